from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from services.candidates.settings import NeighborSettings
from services.common.progress import NoProgress, Progress

Matrix: TypeAlias = "sparse.csr_array[np.float32]"


@dataclass(frozen=True, slots=True)
class Nearest:
    """Each item's nearest items: row i has the stretch starts[i] to starts[i + 1], the nearest first."""

    starts: NDArray[np.int64]
    columns: NDArray[np.int64]
    similarities: NDArray[np.float32]


def nearest_items(ratings: Matrix, settings: NeighborSettings, progress: Progress | None = None) -> Nearest:
    """Returns the `per_item` nearest items of every column of `ratings` float32[users, items].

    similarity(i, j) = Σ_u r_ui r_uj / (√Σ_u r_ui² √Σ_u r_uj²) × n / (n + shrinkage), where n counts the users of both,
    for pairs with n >= minimum_support. The shrinkage keeps what few users have in common by chance from the top.
    Works through blocks of items whose products hold at most `block_entries` pairs; equal ones go by column.
    """
    by_item = ratings.T.tocsr()
    by_item.sort_indices()
    owners = np.repeat(np.arange(by_item.shape[0]), np.diff(by_item.indptr))
    norms = np.sqrt(np.bincount(owners, by_item.data.astype(np.float64) ** 2, minlength=by_item.shape[0]))
    unit_by_item = _with_values(by_item, by_item.data / norms[owners])
    unit = unit_by_item.T.tocsr()
    shared_by_item, shared = _with_values(unit_by_item, 1.0), _with_values(unit, 1.0)
    lengths = np.zeros(len(norms), np.int64)
    columns: list[NDArray[np.int64]] = []
    similarities: list[NDArray[np.float32]] = []
    with (progress or NoProgress()).task("neighbours", total=len(norms)) as task:
        for begin, end in _blocks(unit_by_item, unit, settings.block_entries):
            cosines: Matrix = sparse.csr_array(unit_by_item[begin:end] @ unit)
            support: Matrix = sparse.csr_array(
                shared_by_item[begin:end] @ shared
            )  # the same pattern, in the same order
            weights = support.data / (support.data + settings.shrinkage)
            values = np.where(support.data >= settings.minimum_support, cosines.data * weights, 0.0).astype(np.float32)
            for row in range(end - begin):
                stretch = slice(cosines.indptr[row], cosines.indptr[row + 1])
                near, alike = _top(cosines.indices[stretch], values[stretch], begin + row, settings.per_item)
                lengths[begin + row] = len(near)
                columns.append(near)
                similarities.append(alike)
            task.advance(end - begin)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    if not columns:
        return Nearest(starts, np.zeros(0, np.int64), np.zeros(0, np.float32))
    return Nearest(starts, np.concatenate(columns), np.minimum(np.concatenate(similarities), 1.0))


def _with_values(matrix: Matrix, values: NDArray[np.floating] | float) -> Matrix:
    """Returns the same pattern with other values."""
    data = np.broadcast_to(np.asarray(values, np.float32), matrix.data.shape).copy()
    return sparse.csr_array((data, matrix.indices, matrix.indptr), matrix.shape)


def _blocks(by_item: Matrix, by_user: Matrix, block_entries: int) -> Iterator[tuple[int, int]]:
    """Cuts the items into blocks by the pairs that they can have at the most; a block has at least one item."""
    items_of_user = np.diff(by_user.indptr).astype(np.int64)
    reached = np.concatenate([[0], np.cumsum(items_of_user[by_item.indices])])
    bounds = np.minimum(np.diff(reached[by_item.indptr]), by_item.shape[0])
    total = np.concatenate([[0], np.cumsum(bounds)])
    begin = 0
    while begin < by_item.shape[0]:
        end = max(begin + 1, int(np.searchsorted(total, total[begin] + block_entries, side="right")) - 1)
        yield begin, end
        begin = end


def _top(
    columns: NDArray[np.integer], values: NDArray[np.float32], item: int, count: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    kept = np.flatnonzero((values > 0) & (columns != item))
    if len(kept) > count:
        # All that equal the last one stay until the column decides among them.
        floor = np.partition(values[kept], -count)[-count]
        kept = kept[values[kept] >= floor]
    kept = kept[np.lexsort((columns[kept], -values[kept]))[:count]]
    return columns[kept].astype(np.int64), values[kept]
