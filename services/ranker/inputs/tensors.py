"""The inputs of the model's signatures, as NumPy arrays. Numbers are the catalog's: the graph maps them."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.ranker.inputs.candidate_features import FEATURE_NAMES, candidate_features
from services.ranker.inputs.item_columns import CATEGORY_LEVELS, ItemColumns
from services.ranker.inputs.user_columns import MILLIS_PER_DAY, UserColumns

PADDED_SIZES: Final = (64, 128, 256, 320, 512, 1024, 2048)
"""Candidates are padded to one of these, so that the server sees few shapes."""

VECTORS: Final = "vectors"

Tensors = dict[str, NDArray[Any]]


def of_user(tensors: Tensors) -> Tensors:
    """Returns the inputs of signature `rank` that `encode_user` takes, too."""
    return {name: array for name, array in tensors.items() if not name.startswith("candidate_")}


def padded_size(count: int) -> int:
    """Returns the smallest of PADDED_SIZES that holds `count`; above the greatest, `count` itself."""
    return next((size for size in PADDED_SIZES if size >= count), count)


def with_content(tensors: Tensors, items: ItemColumns) -> Tensors:
    """Returns the tensors with the content of each item (`…item_nos`, any shape) added: `…token_nos`, and `…vectors` if
    the columns have any.

    It's large, and the same wherever an item occurs: examples are stored without it.
    """
    content: Tensors = {}
    for name, item_nos in tensors.items():
        if name.endswith("item_nos"):
            prefix, rows = name.removesuffix("item_nos"), items.rows(item_nos)
            content[f"{prefix}token_nos"] = items.token_nos[rows]
            if items.named_vectors.width:
                content[f"{prefix}{VECTORS}"] = items.vectors[rows]
    return {**tensors, **content}


def encode_user_inputs(user: UserColumns, items: ItemColumns, query_millis: int, history_length: int) -> Tensors:
    """Returns the inputs of signature `encode_user` for one user: a batch of 1."""
    return with_content(user_inputs(user, items, query_millis, history_length), items)


def user_inputs(user: UserColumns, items: ItemColumns, query_millis: int, history_length: int) -> Tensors:
    """Returns the inputs of signature `encode_user` for one user, a batch of 1, without the items' content.

    The history is the last `history_length` events that have an item and are not after `query_millis`, padded in front.
    """
    used = np.flatnonzero((user.event_item_nos > 0) & (user.event_millis <= query_millis))[-history_length:]
    begin = history_length - len(used)
    item_nos = user.event_item_nos[used]
    rows = items.rows(item_nos)

    def padded(values: NDArray[Any], dtype: type[Any], padding: float = 0) -> NDArray[Any]:
        tensor = np.full((1, history_length, *values.shape[1:]), padding, dtype)
        tensor[0, begin:] = values
        return tensor

    return {
        "history_item_nos": padded(_numbers(item_nos), np.int32),
        "history_category_nos": padded(items.category_nos[rows], np.int32),
        "history_brand_nos": padded(items.brand_nos[rows], np.int32),
        "history_log_prices": padded(items.best_log_prices(rows), np.float32, -1.0),
        "history_types": padded(user.event_types[used], np.int32),
        "history_ages": padded((query_millis - user.event_millis[used]) / MILLIS_PER_DAY, np.float32),
        "user_attributes": user.attributes[None, :],
    }


def encode_item_inputs(items: ItemColumns, item_nos: NDArray[Any]) -> Tensors:
    """Returns the inputs of signature `encode_item`."""
    rows = items.rows(item_nos)
    numbers = {
        "item_nos": _numbers(item_nos),
        "category_nos": items.category_nos[rows],
        "brand_nos": items.brand_nos[rows],
        "log_prices": items.best_log_prices(rows),
    }
    return with_content(numbers, items)


def candidate_inputs(
    user: UserColumns, items: ItemColumns, item_nos: NDArray[Any], query_millis: int, size: int | None = None
) -> Tensors:
    """Returns the candidates' part of the inputs of signature `rank`, padded to `size` (default: `padded_size`),
    without the items' content.
    """
    count = len(item_nos)
    size = padded_size(count) if size is None else size
    if count > size:
        raise ValueError(f"{count} candidates do not fit into {size}")
    rows = items.rows(np.asarray(item_nos))
    tensors: Tensors = {
        "candidate_item_nos": np.zeros((1, size), np.int32),
        "candidate_category_nos": np.zeros((1, size, CATEGORY_LEVELS), np.int32),
        "candidate_brand_nos": np.zeros((1, size), np.int32),
        "candidate_log_prices": np.full((1, size), -1.0, np.float32),
        "candidate_features": np.zeros((1, size, len(FEATURE_NAMES)), np.float32),
    }
    tensors["candidate_item_nos"][0, :count] = _numbers(item_nos)
    tensors["candidate_category_nos"][0, :count] = items.category_nos[rows]
    tensors["candidate_brand_nos"][0, :count] = items.brand_nos[rows]
    tensors["candidate_log_prices"][0, :count] = items.best_log_prices(rows)
    tensors["candidate_features"][0, :count] = candidate_features(user, items, item_nos, query_millis)
    return tensors


def rank_inputs(  # noqa: PLR0917  # in the order of `candidate_inputs` and `user_inputs`
    user: UserColumns,
    items: ItemColumns,
    item_nos: NDArray[Any],
    query_millis: int,
    history_length: int,
    size: int | None = None,
) -> Tensors:
    """Returns the inputs of signature `rank` for one user: a batch of 1, candidates padded to `size`.

    Candidate i of the answer's first `len(item_nos)` columns is `item_nos[i]`; the rest is padding.
    """
    numbers = {
        **user_inputs(user, items, query_millis, history_length),
        **candidate_inputs(user, items, item_nos, query_millis, size),
    }
    return with_content(numbers, items)


def _numbers(item_nos: NDArray[Any]) -> NDArray[np.int32]:
    """Returns numbers as the graph takes them. Those beyond its range are in no catalog, so any such number will do."""
    numbers: NDArray[np.int32] = np.minimum(item_nos, np.iinfo(np.int32).max).astype(np.int32)
    return numbers
