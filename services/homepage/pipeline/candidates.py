"""The candidates of one page, in columns: element i of every column is candidate i."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Indexes = NDArray[np.int32]
Mask = NDArray[np.bool_]
Numbers = NDArray[np.uint32]
Floats = NDArray[np.float32]

_KEPT = -1


@dataclass(frozen=True, slots=True)
class SourceColumn:
    """One source's proposals, best first: candidates, scores, and the items of the history that led to them.

    Attributes:
        indexes: candidates, shape (k,).
        scores: the source's own scores, shape (k,).
        evidence_item_nos: shape (k,); 0 if no item led to the candidate.
    """

    indexes: Indexes
    scores: Floats
    evidence_item_nos: Numbers

    def moved(self, target: NDArray[np.int32]) -> "SourceColumn":
        """Returns the column with candidate i at `target[i]`, without those with a negative target."""
        indexes = target[self.indexes]
        stays = indexes >= 0
        return SourceColumn(indexes[stays], self.scores[stays], self.evidence_item_nos[stays])


@dataclass(frozen=True, slots=True)
class ItemStates:
    """Item states that decide whether and where a candidate may be shown (features.v1.LookupItemStatesResponse)."""

    flags: Numbers
    available_from_millis: NDArray[np.int64]
    available_until_millis: NDArray[np.int64]
    minimum_ages: Numbers
    group_nos: Numbers
    category_nos: Numbers
    brand_nos: Numbers
    prices: Floats
    kinds: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.flags)

    def has(self, flag: int) -> Mask:
        """Returns which candidates have `flag` (see `common/item_state`)."""
        mask: Mask = (self.flags & np.uint32(flag)) != 0
        return mask


@dataclass(frozen=True, slots=True)
class Removal:
    """The candidates a filter removes, and why: a mask of shape (n,) and a stable UPPER_SNAKE reason."""

    mask: Mask
    reason: str


@dataclass(slots=True)
class Candidates:
    """All candidates of one page. Removed ones stay in the columns, marked with the filter and its reason.

    Attributes:
        item_nos: shape (n,), none twice.
        fused_scores: the sources' fused score, shape (n,); 0 if there is none.
        sources: each source's proposals.
        states: set by the item states hydrator.
        values: the ranking values, finite, shape (n,).
        probabilities: by action name, shape (n,) each; empty if no model scored.
    """

    item_nos: Numbers
    fused_scores: Floats
    sources: dict[str, SourceColumn] = field(default_factory=dict)
    states: ItemStates | None = None
    values: Floats = field(default_factory=lambda: np.empty(0, np.float32))
    probabilities: dict[str, Floats] = field(default_factory=dict)
    removals: list[tuple[str, str]] = field(default_factory=list)
    removed: NDArray[np.int16] = field(default_factory=lambda: np.empty(0, np.int16))

    def __post_init__(self) -> None:
        if not self.values.size:
            self.values = self.fused_scores
        if not self.removed.size:
            self.removed = np.full(len(self), _KEPT, np.int16)

    def __len__(self) -> int:
        return len(self.item_nos)

    @property
    def kept(self) -> Mask:
        """Which candidates no filter has removed."""
        mask: Mask = self.removed == _KEPT
        return mask

    @property
    def item_states(self) -> ItemStates:
        """The states; raises LookupError if they weren't hydrated, since nothing may be shown without them."""
        if self.states is None:
            raise LookupError("the candidates' states haven't been hydrated")
        return self.states

    def remove(self, mask: Mask, unit: str, reason: str) -> None:
        """Marks the candidates of `mask` that are still kept as removed by `unit`."""
        hit = mask & self.kept
        if hit.any():
            self.removed[hit] = len(self.removals)
            self.removals.append((unit, reason))

    def removed_by(self, index: int) -> tuple[str, str]:
        """Returns the unit that removed candidate `index` and its reason; two empty strings if none did."""
        removal = int(self.removed[index])
        return ("", "") if removal == _KEPT else self.removals[removal]

    def proposed_by(self, source: str) -> Mask:
        """Returns which candidates `source` proposed."""
        mask = np.zeros(len(self), np.bool_)
        column = self.sources.get(source)
        if column is not None:
            mask[column.indexes] = True
        return mask


def empty_candidates() -> Candidates:
    """Returns no candidates."""
    return Candidates(np.empty(0, np.uint32), np.empty(0, np.float32))


def merge(parts: Sequence[Candidates]) -> Candidates:
    """Returns the union of what several sources proposed: each item once, in the order of its first appearance.

    An item keeps the fused score of the first part that has it.
    """
    parts = [part for part in parts if len(part)]
    if not parts:
        return empty_candidates()
    if len(parts) == 1:
        return parts[0]
    everything = np.concatenate([part.item_nos for part in parts])
    _, first, inverse = np.unique(everything, return_index=True, return_inverse=True)
    order = np.argsort(first)
    place_of_unique = np.empty(len(order), np.int32)
    place_of_unique[order] = np.arange(len(order), dtype=np.int32)
    places = place_of_unique[inverse.ravel()]
    kept_rows = first[order]
    fused = np.concatenate([part.fused_scores for part in parts])[kept_rows]
    sources: dict[str, SourceColumn] = {}
    start = 0
    for part in parts:
        target = places[start : start + len(part)]
        start += len(part)
        for name, column in part.sources.items():
            sources.setdefault(name, column.moved(target))
    return Candidates(everything[kept_rows], fused, sources)
