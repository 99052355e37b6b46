"""Finds reasons: one class a kind, each over all candidates at once."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from services.homepage.pipeline.candidates import Candidates
from services.homepage.query import Query


@dataclass(frozen=True, slots=True)
class Found:
    """Candidates (rows, shape (k,)) that a reason holds for; the other fields are one value or of shape (k,)."""

    rows: NDArray[np.intp]
    kinds: Any
    evidence_item_nos: Any = 0
    times: Any = 0
    source: str = ""


class ReasonFinder(Protocol):
    """Finds one kind of reason."""

    def find(self, query: Query, candidates: Candidates) -> list[Found]:
        """Returns what it found; later entries are the stronger ones."""
        ...
