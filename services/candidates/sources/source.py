from typing import ClassVar, Protocol

from services.candidates.proposals import Proposals
from services.candidates.query import Query


class Source(Protocol):
    """One way of finding candidates: one class in one file of this package, named in `registry.py`."""

    name: ClassVar[str]
    """Its name in requests, answers and settings."""

    quota: ClassVar[int]
    """How many it may propose, unless the settings or the request say otherwise."""

    weight: ClassVar[float]
    """Its weight in the fusion, unless the settings say otherwise."""

    def unready(self) -> str:
        """Returns why it cannot work yet; empty: it can."""
        ...

    def applies(self, query: Query) -> bool:
        """Returns whether it has anything to go by for this visitor."""
        ...

    async def propose(self, query: Query, quota: int) -> Proposals:
        """Returns at most `quota` items, all admitted by the query's eligibility.

        Work of up to two milliseconds is done on the spot; anything longer, or any waiting, belongs into a thread or a
        call, where the deadline can end it.
        """
        ...
