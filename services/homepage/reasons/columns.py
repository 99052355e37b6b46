"""Reasons of many candidates, in columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vitrine.homepage.v1.reason_pb2 import ReasonKind

_SLOTS = 2


class ReasonFact(NamedTuple):
    """One reason in numbers. Category and brand are the card's own and need no number."""

    kind: ReasonKind.ValueType
    evidence_item_no: int
    times: int
    source: str


@dataclass(frozen=True, slots=True)
class ReasonColumns:
    """Up to two reasons for each of n candidates, the strongest in slot 0; kind 0 is none. All of shape (n, slots).

    `sources` are places in `source_names`.
    """

    kinds: NDArray[np.uint8]
    evidence_item_nos: NDArray[np.uint32]
    counts: NDArray[np.uint32]
    sources: NDArray[np.uint8]
    source_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.kinds)

    def take(self, rows: slice | NDArray[np.intp]) -> "ReasonColumns":
        """Returns the reasons of those candidates, in that order."""
        return ReasonColumns(
            self.kinds[rows], self.evidence_item_nos[rows], self.counts[rows], self.sources[rows], self.source_names
        )

    def facts(self, row: int) -> list[ReasonFact]:
        """Returns the reasons of one candidate, the strongest first."""
        return [
            ReasonFact(kind, evidence, count, self.source_names[source])
            for kind, evidence, count, source in zip(
                self.kinds[row].tolist(),
                self.evidence_item_nos[row].tolist(),
                self.counts[row].tolist(),
                self.sources[row].tolist(),
                strict=True,
            )
            if kind
        ]

    def put_first(self, rows: NDArray[Any] | slice, kinds: Any, evidence: Any, counts: Any, source: str) -> None:
        """Makes something the strongest reason of `rows`; what was the strongest there becomes the second."""
        for column, value in (
            (self.kinds, kinds),
            (self.evidence_item_nos, evidence),
            (self.counts, counts),
            (self.sources, self.source_names.index(source)),
        ):
            if column.shape[1] > 1:
                column[rows, 1] = column[rows, 0]
            column[rows, 0] = value

    def led_by(self, kind: int, evidence_item_no: int, source: str) -> "ReasonColumns":
        """Returns the same reasons with the shelf's own before them, unless it is the strongest already."""
        copy = ReasonColumns(
            self.kinds.copy(), self.evidence_item_nos.copy(), self.counts.copy(), self.sources.copy(), self.source_names
        )
        other = (self.kinds[:, 0] != kind) | (self.evidence_item_nos[:, 0] != evidence_item_no)
        rows = np.flatnonzero(other)
        copy.put_first(rows, kind, evidence_item_no, 0, source if source in self.source_names else "")
        return copy


def empty_reasons(count: int, sources: Sequence[str]) -> ReasonColumns:
    """Returns no reason for each of `count` candidates."""
    shape = (count, _SLOTS)
    return ReasonColumns(
        np.zeros(shape, np.uint8),
        np.zeros(shape, np.uint32),
        np.zeros(shape, np.uint32),
        np.zeros(shape, np.uint8),
        ("", *sources),
    )
