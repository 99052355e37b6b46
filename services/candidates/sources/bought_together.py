from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from services.candidates.history import History
from services.candidates.proposals import Proposals, nothing
from services.candidates.query import Query
from services.candidates.sources.inputs import Inputs
from services.candidates.sources.neighbor_aggregation import neighbor_aggregation
from services.common import event_types
from services.common.sorted_lookup import contained

_TAKEN_UP: Final = np.sort([event_types.ADD_TO_CART, event_types.PURCHASE])
_SETTLING: Final = np.sort([*_TAKEN_UP, event_types.REMOVE_FROM_CART])


class BoughtTogether:
    """Items that are bought in one basket with what is in this visitor's cart; without one, with what was last carted
    or bought.

    score(j) = Σ_h ln lift(h, j) over the last items h of the cart: see `neighbor_aggregation`
    and `jobs/bought_together.py`.
    """

    name: ClassVar[str] = "bought_together"
    quota: ClassVar[int] = 60
    weight: ClassVar[float] = 0.6

    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs

    def unready(self) -> str:
        return (
            ""
            if self._inputs.bought_together.value is not None
            else "the table bought_together isn't loaded; run the build"
        )

    def applies(self, query: Query) -> bool:
        return bool(contained(query.history.recent_types, _TAKEN_UP).any())

    async def propose(self, query: Query, quota: int) -> Proposals:
        table = self._inputs.bought_together.value
        if table is None:
            return nothing()
        item_nos = _cart(query.history, self._inputs.settings.history.basket_items)
        return neighbor_aggregation(
            table,
            item_nos,
            np.ones(len(item_nos)),
            query,
            quota,
            minimum_users=self._inputs.settings.minimum_users,
        )


def _cart(history: History, count: int) -> NDArray[np.uint32]:
    """Returns the last `count` items added to the cart and not removed; without any, those last interacted with."""
    item_nos, types = history.recent_item_nos, history.recent_types
    settling = contained(types, _SETTLING)
    # The events come newest first: the first that settles an item is how it stands.
    last = np.sort(np.unique(item_nos[settling], return_index=True)[1])
    standing, state = item_nos[settling][last], types[settling][last]
    carted: NDArray[np.uint32] = standing[state == event_types.ADD_TO_CART]
    bought: NDArray[np.uint32] = standing[state == event_types.PURCHASE]
    return carted[:count] if len(carted) else bought[:count]
