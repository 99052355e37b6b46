from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from services.candidates.content.alike import Alike
from services.candidates.content.matches import Matches
from services.candidates.eligibility import Eligibility
from services.candidates.vectors.vector_status import VectorStatus

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
        """Returns why it cannot answer at present; empty: it can."""
        ...

    def vectors(self) -> Sequence[VectorStatus]:
        """Returns how the items' named vectors stand, by name."""
        ...

    async def alike(
        self, item_nos: NDArray[np.uint32], weights: NDArray[np.float64], count: int, eligibility: Eligibility
    ) -> Alike:
        """Returns about `count` items most alike to the weighted items, and as many for the vectors of each name that
        these have, with their similarity to each of those: the cosine of weighted features and named vectors, 0 to 1
        (vectors/blend.py). It may give the items themselves. All similarities of a given item that is not in the index
        are 0.
        """
        ...

    async def match(self, text: str, eligibility: Eligibility, count: int) -> Matches:
        """Returns the `count` items that fit the words best, the best first; at most MOST_MATCHES."""
        ...
