from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


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

    def where(self, chosen: NDArray[np.bool_]) -> "Events":
        """Returns some of them."""
        return Events(
            self.users[chosen],
            self.items[chosen],
            self.strengths[chosen],
            self.millis[chosen],
            self.orders[chosen],
            self.bought[chosen],
        )
