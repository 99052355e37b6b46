from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.candidates.jobs.events import Events

_DAY: Final = 86_400_000
_NOW_MILLIS: Final = 1_760_000_000_000
_TASTES: Final = 200
_DAYS: Final = 180
_AT_A_TIME: Final = 2_000_000


@dataclass(frozen=True, slots=True)
class SyntheticLog:
    """A made-up shop's log of any size, the same for the same numbers.

    Users are as unlike in what they do as in shops: the number of their events is log-normal with a deviation of 1 (the
    busiest of a million does some 80 times what the usual one does). Each has one of 200 tastes and keeps to its items
    in four of five events. Popularity follows Zipf's law, in a taste and in the shop: the first item of a million has
    some 5 % of what is taken outside of tastes. Item numbers say nothing of popularity. A fifth are purchases.
    """

    items: int
    users: int
    events: int
    seed: int = 0

    def read(self) -> Events:
        """Returns the events in columns, in no order."""
        made = Events(
            users=np.empty(self.events, np.uint32),
            items=np.empty(self.events, np.uint32),
            strengths=np.empty(self.events, np.float32),
            millis=np.empty(self.events, np.int64),
            orders=np.empty(self.events, np.uint32),
            bought=np.empty(self.events, np.bool_),
        )
        begin = 0
        for portion in self._portions():
            stretch = slice(begin, begin + len(portion))
            for name in ("users", "items", "strengths", "millis", "orders", "bought"):
                getattr(made, name)[stretch] = getattr(portion, name)
            begin = stretch.stop
        return made

    def _portions(self) -> Iterator[Events]:
        random = np.random.default_rng(self.seed)
        activity = np.cumsum(random.lognormal(0.0, 1.0, self.users))
        numbers = 1 + random.permutation(self.items).astype(np.uint32)
        for begin in range(0, self.events, _AT_A_TIME):
            size = min(_AT_A_TIME, self.events - begin)
            users = np.searchsorted(activity, random.random(size) * activity[-1]).astype(np.uint32)
            items = numbers[self._ranks(random, users)]
            bought = random.random(size) < 0.2
            days = random.integers(0, _DAYS, size)
            # Users buy every ten days: what they buy in these is an order.
            orders = np.where(bought, 1 + users.astype(np.int64) * (_DAYS // 10) + days // 10, 0)
            yield Events(
                users=users,
                items=items,
                strengths=np.where(bought, 5.0, 1.0).astype(np.float32),
                millis=_NOW_MILLIS - days * _DAY - random.integers(0, _DAY, size),
                orders=orders.astype(np.uint32),
                bought=bought,
            )

    def _ranks(self, random: np.random.Generator, users: NDArray[np.uint32]) -> NDArray[np.int64]:
        """Returns the popularity rank, from 0, of the item that each event is of."""
        of_taste = random.random(len(users)) < 0.8
        reach = np.where(of_taste, max(1, self.items // _TASTES), self.items)
        # Uniform in the logarithm of the rank: Zipf's law with exponent 1.
        ranks = (np.exp(random.random(len(users)) * np.log(reach + 1)) - 1).astype(np.int64)
        found: NDArray[np.int64] = np.where(of_taste, ranks * _TASTES + users % _TASTES, ranks)
        return np.minimum(found, self.items - 1)
