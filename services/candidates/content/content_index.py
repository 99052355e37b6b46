from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from services.candidates.eligibility import Eligibility
from services.candidates.vectors.named_vectors import VectorStatus


@dataclass(frozen=True, slots=True)
class SimilarItems:
    """Items alike to some of a history: similarities float32[items, history], 0 to 1."""

    item_nos: NDArray[np.uint32]
    similarities: NDArray[np.float32]

    @classmethod
    def nothing(cls, history: int) -> "SimilarItems":
        """Returns no items, for a history of so many."""
        return cls(np.zeros(0, np.uint32), np.zeros((0, history), np.float32))


@dataclass(frozen=True, slots=True)
class Matches:
    """Items that fit some words, the best first; `relevance` is comparable in one answer only, and above 0
    where there are words.
    """

    item_nos: NDArray[np.uint32]
    relevance: NDArray[np.float32]

    @classmethod
    def nothing(cls) -> "Matches":
        """Returns no items."""
        return cls(np.zeros(0, np.uint32), np.zeros(0, np.float32))

    @classmethod
    def best(cls, item_nos: NDArray[np.integer], relevance: NDArray[np.floating], count: int) -> "Matches":
        """Returns the `count` most relevant; equal ones by item_no."""
        order = np.lexsort((item_nos, -relevance))[:count]
        return cls(item_nos[order].astype(np.uint32), relevance[order].astype(np.float32))


MOST_MATCHES: Final = 10_000
"""How many items a search by words looks at: the ones that fit best. The most that Elasticsearch gives at once."""


class ContentIndex(Protocol):
    """What finds items by their content: embedded, or Elasticsearch. What it answers with is always admitted by the
    eligibility as of the answer, however far behind the index itself is.

    Errors: UnavailableError where it does not answer.
    """

    @property
    def version(self) -> str:
        """What answers."""
        ...

    def unready(self) -> str:
        """Returns why it cannot answer now; empty: it can."""
        ...

    def vectors(self) -> Sequence[VectorStatus]:
        """Returns how the items' named vectors stand, by name."""
        ...

    async def similar(
        self, item_nos: NDArray[np.uint32], weights: NDArray[np.float64], count: int, eligibility: Eligibility
    ) -> SimilarItems:
        """Returns about `count` items most alike to the weighted items, and as many for the vectors of each name that
        these have, with their similarity to each of those: the cosine of weighted features and named vectors, 0 to 1
        (vectors/blend.py). It may give the items themselves. All similarities of a given item that is not in the index
        are 0.
        """
        ...

    async def match(self, text: str, eligibility: Eligibility, count: int) -> Matches:
        """Returns the `count` items that fit the words best, the best first; at most MOST_MATCHES."""
        ...
