from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from services.candidates.arrays import gather, spans

Admits: TypeAlias = Callable[[NDArray[np.uint32]], NDArray[np.bool_]]
# Postings that one search may read: keeps the cost of a search from growing with the catalog.
POSTINGS_READ: Final = 20_000


class Segment:
    """A part of the content index: items as unit vectors, by row and, inverted, by feature. Rows can only be retired.

    Row vectors are w_l f_kl / √(Σ_l w_l² f_kl²), so that the dot product of two is the weighted cosine
    Σ_l w_l² f_kl f_jl / (√Σ_l w_l² f_kl² √Σ_l w_l² f_jl²), which lies between 0 and 1. `weights` float32[features]
    are w.
    """

    def __init__(
        self, item_nos: NDArray[np.uint32], rows: list[NDArray[np.int32]], weights: NDArray[np.float32]
    ) -> None:
        lengths = np.fromiter((len(row) for row in rows), np.int64, len(rows))
        self.item_nos = item_nos
        self.starts = np.concatenate([[0], np.cumsum(lengths)])
        self.features: NDArray[np.int32] = np.concatenate(rows) if rows else np.zeros(0, np.int32)
        raw = weights[self.features].astype(np.float64)
        owners = np.repeat(np.arange(len(rows)), lengths)
        norms = np.sqrt(np.bincount(owners, raw**2, minlength=len(rows)))
        self.values = (raw / norms[owners]).astype(np.float32)
        inverted = sparse.csr_array((self.values, self.features, self.starts), (len(rows), len(weights))).tocsc()
        self._posting_starts = inverted.indptr.astype(np.int64)
        self._posting_rows = inverted.indices
        self._posting_values = inverted.data
        self._row_of = {int(item_no): row for row, item_no in enumerate(item_nos)}
        self.retired = np.zeros(len(rows), np.bool_)
        self._partial = np.zeros(len(rows), np.float32)  # zero between searches
        self._place = np.zeros(len(rows), np.int32)

    def __len__(self) -> int:
        return len(self.item_nos)

    def retire(self, item_no: int) -> None:
        """Keeps an item that changed or went from being found here."""
        row = self._row_of.get(item_no)
        if row is not None:
            self.retired[row] = True

    def row_of(self, item_no: int) -> int | None:
        """Returns the item's row; None: it is not in this segment."""
        return self._row_of.get(item_no)

    def rows_of(self, item_nos: NDArray[np.uint32]) -> NDArray[np.int64]:
        """Returns the items' rows; -1: it is not in this segment, or was retired."""
        if not len(self):
            return np.full(len(item_nos), -1, np.int64)
        rows = np.fromiter(map(self._row_of.get, item_nos.tolist(), repeat(-1)), np.int64, len(item_nos))
        rows[self.retired[rows]] = -1
        return rows

    def row(self, row: int) -> NDArray[np.int32]:
        """Returns the features of a row, ascending."""
        return self.features[self.starts[row] : self.starts[row + 1]]

    def vector(self, row: int) -> NDArray[np.float32]:
        """Returns the values of a row's features."""
        return self.values[self.starts[row] : self.starts[row + 1]]

    def find(
        self, features: NDArray[np.int32], profile: NDArray[np.float32], count: int, admits: Admits
    ) -> NDArray[np.int64]:
        """Returns up to `count` admitted rows that promise the greatest dot product with the profile, ascending.

        The features' inverted lists are read from the shortest on until POSTINGS_READ: the long ones, which nearly all
        items share, would change little. Not for two threads at once.
        """
        if not len(self):
            return np.zeros(0, np.int64)
        inside = features < len(self._posting_starts) - 1
        features, profile = features[inside], profile[inside]
        lengths = self._posting_starts[features + 1] - self._posting_starts[features]
        order = np.argsort(lengths, kind="stable")
        features, profile, lengths = features[order], profile[order], lengths[order]
        taken = np.clip(POSTINGS_READ - (np.cumsum(lengths) - lengths), 0, lengths)
        # The newest items have the last rows: where a list is cut, they stay.
        positions = spans(self._posting_starts[features + 1] - taken, taken)
        rows, promise = self._summed(self._posting_rows[positions], self._posting_values[positions], profile, taken)
        # Most may be proposed: twice as many as are wanted nearly always hold enough.
        found = self._best_admitted(rows, promise, count, 2 * count, admits)
        if len(found) < count:
            found = self._best_admitted(rows, promise, count, len(rows), admits)
        return np.sort(found).astype(np.int64)

    def _summed(
        self,
        rows: NDArray[np.int32],
        values: NDArray[np.float32],
        profile: NDArray[np.float32],
        lengths: NDArray[np.int64],
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Returns the distinct rows of lists that stand behind one another, and the sum of each one's products."""
        np.add.at(self._partial, rows, np.repeat(profile, lengths) * values)
        sums = self._partial[rows]
        self._partial[rows] = 0.0
        places = np.arange(len(rows), dtype=np.int32)
        self._place[rows] = places
        last = np.flatnonzero(self._place[rows] == places)
        return rows[last], sums[last]

    def _best_admitted(
        self, rows: NDArray[np.int32], promise: NDArray[np.float32], count: int, looked_at: int, admits: Admits
    ) -> NDArray[np.int32]:
        """Returns the `count` admitted rows of the greatest promise above 0 among the `looked_at` first."""
        if looked_at < len(rows):
            likely = np.argpartition(-promise, looked_at)[:looked_at]
            rows, promise = rows[likely], promise[likely]
        fit = (promise > 0) & ~self.retired[rows] & admits(self.item_nos[rows])
        rows, promise = rows[fit], promise[fit]
        return rows if len(rows) <= count else rows[np.argpartition(-promise, count)[:count]]

    def matches(
        self, groups: Sequence[Sequence[int]], weights: NDArray[np.float32], least: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Returns the rows with a feature of at least `least` of the groups, and for each the sum over the groups of
        the greatest weight × value among the group's features.
        """
        total, held = np.zeros(len(self), np.float32), np.zeros(len(self), np.uint8)
        for group in groups:
            greatest = np.zeros(len(self), np.float32)
            for feature in group:
                if feature < len(self._posting_starts) - 1:
                    span = slice(self._posting_starts[feature], self._posting_starts[feature + 1])
                    rows = self._posting_rows[span]
                    greatest[rows] = np.maximum(greatest[rows], weights[feature] * self._posting_values[span])
            held += greatest > 0
            total += greatest
        found = np.flatnonzero((held >= max(1, least)) & ~self.retired)
        return found, total[found]

    def similarities(
        self, rows: NDArray[np.int64], features: NDArray[np.int32], vectors: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Returns float32[rows, vectors]: the exact cosines with `vectors`[n, features]; the features are ascending."""
        positions, lengths = gather(self.starts, rows)
        own = self.features[positions]
        places = np.minimum(np.searchsorted(features, own), len(features) - 1)
        values = np.where(features[places] == own, self.values[positions], np.float32(0))
        ends = np.concatenate([[0], np.cumsum(lengths)])
        similarities: NDArray[np.float32] = (
            sparse.csr_array((values, places, ends), (len(rows), len(features))) @ vectors.T
        )
        return similarities
