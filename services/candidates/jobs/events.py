from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.candidates.jobs.rows import blocks

_AT_A_TIME: Final = 2_000_000


@dataclass(frozen=True, slots=True)
class Events:
    """What the log says for items, in columns: element i of each is event i, in no particular order.

    `users` and `items` are numbers, `strengths` as configured, `millis` Unix milliseconds. `orders` are the orders of
    purchases as numbers, 0 for a purchase of no order and for what is no purchase; `bought` tells those apart.
    """

    users: NDArray[np.uint32]
    items: NDArray[np.uint32]
    strengths: NDArray[np.float32]
    millis: NDArray[np.int64]
    orders: NDArray[np.uint32]
    bought: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.users)

    @property
    def newest_millis(self) -> int:
        """When the newest one happened; 0: there is none."""
        return int(self.millis.max(initial=0))

    def by_users(self, at_a_time: int = _AT_A_TIME) -> Iterator["Events"]:
        """Yields them user by user, ascending, in portions of at most `at_a_time` unless one user has more: what is
        computed of each user alone needs memory for a portion. In a portion they stay in the order that they have here.
        """
        order = np.argsort(self.users, kind="stable").astype(np.uint32)
        users = self.users[order]
        fresh = np.ones(len(users), np.bool_)
        fresh[1:] = users[1:] != users[:-1]
        starts = np.append(np.flatnonzero(fresh), len(users))
        for stretch in blocks(np.diff(starts), at_a_time):
            yield self.where(order[starts[stretch.start] : starts[stretch.stop]])

    def where(self, chosen: NDArray[Any]) -> "Events":
        """Returns some of them, by a mask or by their places."""
        return Events(
            self.users[chosen],
            self.items[chosen],
            self.strengths[chosen],
            self.millis[chosen],
            self.orders[chosen],
            self.bought[chosen],
        )
