from typing import ClassVar

from services.candidates.proposals import Proposals, nothing
from services.candidates.query import Query
from services.candidates.sources.along import along
from services.candidates.sources.inputs import Inputs


class ThenBought:
    """Items that users turn to after those of this visitor's history: directed co-occurrence, see `along`."""

    name: ClassVar[str] = "then_bought"
    quota: ClassVar[int] = 120
    weight: ClassVar[float] = 1.2

    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs

    def unready(self) -> str:
        return "" if self._inputs.followers.value is not None else "no followers are loaded; run the build"

    def applies(self, query: Query) -> bool:
        return len(query.history.item_nos) > 0

    async def propose(self, query: Query, quota: int) -> Proposals:
        followers = self._inputs.followers.value
        if followers is None:
            return nothing()
        item_nos, weights = query.history.strongest(self._inputs.settings.history.follower_items)
        return along(followers, item_nos, weights, query, quota, minimum_users=self._inputs.settings.minimum_users)
