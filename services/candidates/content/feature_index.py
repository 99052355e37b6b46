from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.candidates.content.item_terms import FIELD_WEIGHTS, Term, item_terms
from services.candidates.content.segment import Admits, Segment
from services.candidates.content.vocabulary import Vocabulary
from services.common.sorted_lookup import distinct
from vitrine.features.v1.item_pb2 import Item


@dataclass(frozen=True, slots=True)
class Profiles:
    """Items as unit vectors of weighted features, to compare others with: `features` int32[n] ascending, `values`
    float32[items, n], and `known` bool[items]: which have any.
    """

    features: NDArray[np.int32]
    values: NDArray[np.float32]
    known: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Merge:
    """Everything that one large segment is to be made from; nothing else writes to it, so another thread may run it."""

    base: Segment
    retired: NDArray[np.bool_]
    changed: dict[int, NDArray[np.int32]]
    field_weights: NDArray[np.float32]

    def run(self) -> tuple[Segment, NDArray[np.float32]]:
        """Returns the segment and the features' weights, field weight × ln(1 + items / items with the feature)."""
        kept = np.flatnonzero(~self.retired)
        rows = {int(self.base.item_nos[row]): self.base.row(int(row)) for row in kept} | self.changed
        features = list(rows.values())
        together = np.concatenate(features) if features else np.zeros(0, np.int32)
        counts = np.bincount(together, minlength=len(self.field_weights))
        weights = (self.field_weights * np.log1p(len(rows) / np.maximum(counts, 1))).astype(np.float32)
        return Segment(np.fromiter(rows, np.uint32, len(rows)), features, weights), weights


_SMALLEST_MERGE: Final = 500
_MERGE_SHARE: Final = 0.02


@dataclass(frozen=True, slots=True)
class _View:
    """What a search reads: both segments and the weights they were made with, which cover all their features."""

    base: Segment
    recent: Segment
    weights: NDArray[np.float32]


class FeatureIndex:
    """Finds items by their features, which `features_of` reads from an item and whose fields weigh `field_weights`.

    A large immutable segment and a small one of what changed since: a new item is found as soon as `refresh` has
    rebuilt the small one, and a merge folds it into the large one now and then. A feature weighs its field's weight
    times its rarity, ln(1 + items / items with it), as of the last merge.
    """

    def __init__(
        self,
        features_of: Callable[[Item], Iterable[Term]] = item_terms,
        field_weights: Mapping[str, float] = FIELD_WEIGHTS,
    ) -> None:
        self._features_in = features_of
        self._vocabulary = Vocabulary(field_weights)
        self._merged_weights: NDArray[np.float32] = np.zeros(0, np.float32)
        # Replaced as a whole: a search in another thread sees one state of the index, not the halves of two.
        self._view = _View(_empty(), _empty(), np.zeros(0, np.float32))
        self._changed: dict[int, NDArray[np.int32]] = {}
        self._touched: set[int] = set()
        self._stale = False
        self._merges = 0
        self.version = "0.0"

    def __len__(self) -> int:
        return len(self._view.base) - int(np.count_nonzero(self._view.base.retired)) + len(self._changed)

    def put(self, item_no: int, item: Item) -> None:
        """Adds or changes an item; found after `refresh`. One whose features are the same costs nothing more."""
        features = self._vocabulary.encode(self._features_in(item))
        known = self._features_of(item_no)
        if known is not None and np.array_equal(known, features):
            return
        self.remove(item_no)
        if len(features):
            self._changed[item_no] = features
            self._stale = True

    def remove(self, item_no: int) -> None:
        """Takes an item out."""
        self._touched.add(item_no)
        self._view.base.retire(item_no)
        self._view.recent.retire(item_no)
        self._stale |= self._changed.pop(item_no, None) is not None

    def refresh(self) -> None:
        """Makes what was put since the last time findable; costs as much as changed since the last merge."""
        if not self._stale:
            return
        self._show(self._view.base)

    @property
    def wants_merge(self) -> bool:
        """Enough has changed for a merge."""
        return len(self._changed) >= max(_SMALLEST_MERGE, _MERGE_SHARE * len(self._view.base))

    def begin_merge(self) -> Merge:
        """Returns a merge of all that is there, to be run anywhere and handed to `finish_merge`. One at a time."""
        self._touched = set()
        base = self._view.base
        return Merge(base, base.retired.copy(), dict(self._changed), self._vocabulary.field_weights())

    def finish_merge(self, base: Segment, weights: NDArray[np.float32]) -> None:
        """Puts the merged segment in place, under what has changed since the merge began."""
        self._merged_weights = weights
        for item_no in self._touched:
            base.retire(item_no)
        self._changed = {item_no: self._changed[item_no] for item_no in self._touched if item_no in self._changed}
        self._merges += 1
        self._show(base)

    def profiles(self, item_nos: NDArray[np.uint32]) -> Profiles:
        """Returns what other items are compared with."""
        vectors = [self._vector_of(int(item_no)) for item_no in item_nos]
        features = distinct(np.concatenate([own for own, _ in vectors])) if vectors else np.zeros(0, np.int32)
        values = np.zeros((len(item_nos), len(features)), np.float32)
        for place, (own, row) in enumerate(vectors):
            values[place, np.searchsorted(features, own)] = row
        return Profiles(features, values, np.array([len(own) > 0 for own, _ in vectors], np.bool_))

    def find(self, profiles: Profiles, weights: NDArray[np.float64], count: int, admits: Admits) -> NDArray[np.uint32]:
        """Returns about `count` items that promise to be most alike to the weighted profiles: of those that `admits`
        says yes to, which the profiles' own items are not kept from.
        """
        wanted = (weights.astype(np.float32)[:, None] * profiles.values).sum(axis=0)
        return np.concatenate(
            [
                segment.item_nos[segment.find(profiles.features, wanted, count, admits)]
                for segment in (self._view.base, self._view.recent)
            ]
        )

    def cosines(
        self, item_nos: NDArray[np.uint32], profiles: Profiles
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Returns float32[items, profiles], the cosines of weighted features, and which items have any. All cosines of
        an item that is not in the index, and with such a one, are 0.
        """
        cosines = np.zeros((len(item_nos), len(profiles.known)), np.float32)
        known = np.zeros(len(item_nos), np.bool_)
        for segment in (self._view.recent, self._view.base):
            rows = segment.rows_of(item_nos)
            places = np.flatnonzero(rows >= 0)
            known[places] = True
            if len(places) and len(profiles.features):
                cosines[places] = segment.similarities(rows[places], profiles.features, profiles.values)
        return np.minimum(cosines, 1.0), known

    def matches(self, wanted: Sequence[Sequence[Term]], least: int) -> tuple[NDArray[np.uint32], NDArray[np.float32]]:
        """Returns the items that have a feature of at least `least` of the `wanted` groups, and how well each fits: the
        sum over the groups of the greatest w_l × w_l / √(Σ w²) among the group's features. May run in another thread.
        """
        view = self._view
        # A feature that was put after the view was made has a number that the view doesn't know.
        known = range(len(view.weights))
        groups = [[number for term in group if (number := self._vocabulary.number(term)) in known] for group in wanted]
        found = [
            (segment.item_nos[rows], scores)
            for segment in (view.base, view.recent)
            for rows, scores in [segment.matches(groups, view.weights, least)]
        ]
        return np.concatenate([nos for nos, _ in found]), np.concatenate([scores for _, scores in found])

    def _features_of(self, item_no: int) -> NDArray[np.int32] | None:
        if item_no in self._changed:
            return self._changed[item_no]
        base = self._view.base
        row = base.row_of(item_no)
        return None if row is None or base.retired[row] else base.row(row)

    def _vector_of(self, item_no: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        for segment in (self._view.base, self._view.recent):
            row = segment.row_of(item_no)
            if row is not None and not segment.retired[row]:
                return segment.row(row), segment.vector(row)
        return np.zeros(0, np.int32), np.zeros(0, np.float32)

    def _show(self, base: Segment) -> None:
        """Makes `base` and what changed since it was made findable."""
        # The weights of the last merge; a feature that came since is as rare as can be.
        fields = self._vocabulary.field_weights()
        rarity = np.float32(np.log1p(max(1, len(base))))
        weights = np.concatenate([self._merged_weights, fields[len(self._merged_weights) :] * rarity])
        item_nos = np.fromiter(self._changed, np.uint32, len(self._changed))
        self._view = _View(base, Segment(item_nos, list(self._changed.values()), weights), weights)
        self._stale = False
        self.version = f"{self._merges}.{len(self._changed)}"


def _empty() -> Segment:
    return Segment(np.zeros(0, np.uint32), [], np.zeros(0, np.float32))
