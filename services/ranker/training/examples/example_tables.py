"""Examples as tables, and back: the training set's files, whose columns docs/training-set.md describes."""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from services.ranker.inputs.candidate_features import FEATURE_NAMES
from services.ranker.inputs.tensors import Tensors
from services.ranker.training.examples.examples import Examples
from services.ranker.training.examples.next_visit import ACTIONS, Visit

_CANDIDATE: Final = "candidate_"
_FEATURES: Final = "candidate_features"
_PADDING: Final = {"candidate_log_prices": -1.0}
"""Values of padding slots, if not 0."""

_SLOTS: Final = b"slots"


def visit_table(examples: Examples, user_digests: NDArray[np.uint64], cut_millis: int) -> pa.Table:
    """Returns one row per example: user, cut, the user's inputs, and the next visit."""
    count = len(examples)
    columns: dict[str, pa.Array] = {
        "example": pa.array(np.arange(count, dtype=np.int32)),
        "user_digest": pa.array(user_digests),
        "cut_time": pa.array(np.full(count, cut_millis), pa.timestamp("ms", "UTC")),
    }
    for name, array in examples.inputs.items():
        if not name.startswith(_CANDIDATE):
            size = int(np.prod(array.shape[1:]))
            columns[name] = pa.FixedSizeListArray.from_arrays(pa.array(array.ravel()), size)
    sizes = [len(visit.item_nos) for visit in examples.visits]
    bounds = pa.array(np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32))
    item_nos = np.concatenate([np.zeros(0, np.int64), *(visit.item_nos for visit in examples.visits)])
    labels = np.concatenate([np.zeros((0, len(ACTIONS)), np.float32), *(visit.labels for visit in examples.visits)])
    columns["visit_item_nos"] = pa.ListArray.from_arrays(bounds, pa.array(item_nos))
    for place, action in enumerate(ACTIONS):
        columns[f"visit_{action}"] = pa.ListArray.from_arrays(bounds, pa.array(labels[:, place] > 0))
    return pa.table(columns).replace_schema_metadata({_SLOTS: str(examples.labels.shape[1])})


def candidate_table(examples: Examples) -> pa.Table:
    """Returns one row per candidate: its example, inputs and features by name, labels, offset, and exposure."""
    real = examples.real
    columns: dict[str, NDArray[Any]] = {"example": np.nonzero(real)[0].astype(np.int32)}
    for name, array in examples.inputs.items():
        if name.startswith(_CANDIDATE):
            values = array[real]
            columns |= dict(zip(_column_names(name, array), _each(values), strict=True))
    labels = examples.labels[real]
    columns |= {f"label_{action}": labels[:, place] > 0 for place, action in enumerate(ACTIONS)}
    columns["offset"] = examples.offsets[real]
    columns["exposure"] = examples.exposures[real]
    return pa.table(columns)


def examples_of(visits: pa.Table, candidates: pa.Table, like: Tensors) -> Examples:
    """Returns the examples of two tables. `like` has arrays of the inputs' types and
    shapes, which the tables lack. Raises KeyError or ValueError if they have other inputs.
    """
    count, slots = visits.num_rows, int(visits.schema.metadata[_SLOTS])
    counts = np.bincount(_numpy(candidates, "example"), minlength=count)
    real = np.arange(slots) < counts[:, None]
    inputs: Tensors = {}
    for name, array in like.items():
        if name.startswith(_CANDIDATE):
            filled = np.full((count, slots, *array.shape[2:]), _PADDING.get(name, 0), array.dtype)
            names = list(_column_names(name, array))
            filled[real] = np.stack([_numpy(candidates, each) for each in names], axis=-1).reshape(-1, *array.shape[2:])
        else:
            column = visits[name].combine_chunks()
            filled = np.asarray(column.flatten()).astype(array.dtype, copy=False).reshape(count, *array.shape[1:])
        inputs[name] = filled
    labels = np.zeros((count, slots, len(ACTIONS)), np.float32)
    labels[real] = np.stack([_numpy(candidates, f"label_{action}") for action in ACTIONS], axis=-1)
    offsets = np.zeros((count, slots), np.float32)
    offsets[real] = _numpy(candidates, "offset")
    exposures = np.zeros((count, slots), np.uint8)
    exposures[real] = _numpy(candidates, "exposure")
    return Examples(inputs, labels, offsets, exposures, list(_visits(visits)))


def _visits(table: pa.Table) -> Iterator[Visit]:
    column = table["visit_item_nos"].combine_chunks()
    bounds, item_nos = column.offsets.to_numpy(), column.flatten().to_numpy()
    bounds = bounds - bounds[0] if len(bounds) else bounds
    flags = [np.asarray(table[f"visit_{action}"].combine_chunks().flatten()) for action in ACTIONS]
    labels = np.stack(flags, axis=-1).astype(np.float32)
    for begin, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        yield Visit(item_nos[begin:end], labels[begin:end])


def _column_names(name: str, array: NDArray[Any]) -> tuple[str, ...]:
    if name == _FEATURES:
        return FEATURE_NAMES
    return (name,) if array.ndim == 2 else tuple(f"{name}_{level}" for level in range(array.shape[2]))


def _each(values: NDArray[Any]) -> list[NDArray[Any]]:
    return [values] if values.ndim == 1 else list(np.ascontiguousarray(values.T))


def _numpy(table: pa.Table, name: str) -> NDArray[Any]:
    array: NDArray[Any] = np.asarray(table[name].combine_chunks())
    return array
