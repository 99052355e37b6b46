import numpy as np
from numpy.typing import NDArray

from services.candidates.catalog.item_columns import ItemColumns
from services.candidates.search.search import Place
from vitrine.candidates.v1 import candidate_service_pb2 as pb


def sort_keys(
    sort: pb.SearchSort.ValueType,
    item_nos: NDArray[np.uint32],
    relevance: NDArray[np.float32],
    columns: ItemColumns,
    log_popularity: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Returns float64[items]: the smaller the earlier; what has no price or was never turned to is infinite."""
    match sort:
        case pb.SEARCH_SORT_POPULAR:
            inside = item_nos < len(log_popularity)
            return np.where(inside, -log_popularity[np.where(inside, item_nos, 0)], np.inf)
        case pb.SEARCH_SORT_PRICE_ASCENDING | pb.SEARCH_SORT_PRICE_DESCENDING:
            prices = columns.prices[item_nos]
            signed = prices if sort == pb.SEARCH_SORT_PRICE_ASCENDING else -prices
            return np.where(np.isnan(signed), np.inf, signed)
        case pb.SEARCH_SORT_NEWEST:
            return -columns.new_since[item_nos].astype(np.float64)
        case pb.SEARCH_SORT_DISCOUNT:
            return -columns.discounts[item_nos].astype(np.float64)
        case _:
            return -relevance.astype(np.float64)


def page_of(
    keys: NDArray[np.float64], item_nos: NDArray[np.uint32], after: Place | None, count: int
) -> tuple[NDArray[np.int64], bool]:
    """Returns the rows of the next `count` items by key, then number, and whether there are more after them. Costs a
    pass over the keys, and sorting `count` of them.
    """
    rows = np.arange(len(keys))
    if after is not None:
        rows = np.flatnonzero((keys > after.key) | ((keys == after.key) & (item_nos > after.item_no)))
    if len(rows) > count:
        bound = np.partition(keys[rows], count)[count]
        rows = rows[keys[rows] <= bound]
    ordered = rows[np.lexsort((item_nos[rows], keys[rows]))]
    return ordered[:count], len(ordered) > count
