"""Reasons of many candidates, in columns."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vitrine.homepage.v1.reason_pb2 import ReasonKind

_SLOTS: Final = 2
# One reason in numbers; kind 0 is none, `source` is a place in `ReasonColumns.source_names`.
REASON: Final = np.dtype(
    [("kind", np.uint8), ("evidence_item_no", np.uint32), ("times", np.uint32), ("source", np.uint8)]
)
Rows = NDArray[np.intp]


class ReasonFact(NamedTuple):
    """One reason. Category and brand are the card's own and need no number."""

    kind: ReasonKind.ValueType
    evidence_item_no: int
    times: int
    source: str


@dataclass(frozen=True, slots=True)
class ReasonColumns:
    """Up to two reasons for each of n candidates: `slots`, shape (slots, n), of type `REASON`, the strongest first."""

    slots: NDArray[np.void]
    source_names: tuple[str, ...]

    def __len__(self) -> int:
        return int(self.slots.shape[1])

    @property
    def strongest(self) -> NDArray[np.void]:
        """The strongest reason of each, shape (n,)."""
        first: NDArray[np.void] = self.slots[0]
        return first

    def take(self, rows: slice | Rows) -> "ReasonColumns":
        """Returns the reasons of those candidates, in that order."""
        return ReasonColumns(self.slots[:, rows], self.source_names)

    def facts(self, rows: Sequence[int]) -> Iterator[list[ReasonFact]]:
        """Yields the reasons of each of those candidates, the strongest first."""
        for reasons in zip(*self.slots[:, rows].tolist(), strict=True):
            yield [
                ReasonFact(kind, evidence, times, self.source_names[source])
                for kind, evidence, times, source in reasons
                if kind
            ]

    def put_first(self, rows: Rows, kinds: Any, evidence: Any, times: Any, source: str) -> None:
        """Sets the strongest reason of `rows`; the previous one becomes the second.

        `kinds`, `evidence` and `times` are one value or one per row; an unknown source counts as none.
        """
        new = np.empty(len(rows), REASON)
        new["kind"], new["evidence_item_no"], new["times"] = kinds, evidence, times
        new["source"] = self.source_names.index(source) if source in self.source_names else 0
        old = self.slots[0, rows]
        if len(self.slots) > 1:
            # Two sources with the same evidence item are one reason.
            other = (old["kind"] != new["kind"]) | (old["evidence_item_no"] != new["evidence_item_no"])
            self.slots[1, rows[other]] = old[other]
        self.slots[0, rows] = new

    def led_by(self, kind: int, evidence_item_no: int, source: str) -> "ReasonColumns":
        """Returns the same reasons with the shelf's own first, unless it already is the strongest."""
        led = ReasonColumns(self.slots.copy(), self.source_names)
        first = self.strongest
        other = (first["kind"] != kind) | (first["evidence_item_no"] != evidence_item_no)
        led.put_first(np.flatnonzero(other), kind, evidence_item_no, 0, source)
        return led


def empty_reasons(count: int, sources: Sequence[str]) -> ReasonColumns:
    """Returns `count` candidates without reasons."""
    return ReasonColumns(np.zeros((_SLOTS, count), REASON), ("", *sources))
