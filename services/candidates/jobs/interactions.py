from array import array
from collections.abc import Mapping
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from services.candidates.jobs.events import Events
from services.common import event_types
from services.common.strengths import STRENGTHS
from services.common.visitors import anonymous_key, user_key
from vitrine.events.v1.event_service_pb2 import LoggedEvent

Number = TypeVar("Number", bound=np.generic)


class Interactions:
    """Collects from the log how much users took to items. The order of the events does not matter.

    `strengths` says what an event of each type is worth; a watch counts by the fraction watched.
    """

    def __init__(self, item_nos: Mapping[str, int], strengths: Mapping[int, float] = STRENGTHS) -> None:
        self._item_nos = item_nos
        self._strength_of = strengths
        self._user_nos: dict[str, int] = {}
        self._order_nos: dict[tuple[int, str], int] = {}
        self._users = array("I")
        self._items = array("I")
        self._strengths = array("f")
        self._millis = array("q")
        self._orders = array("I")
        self._bought = array("B")
        self._disliked: set[tuple[int, int]] = set()

    def __len__(self) -> int:
        return len(self._items)

    @property
    def user_keys(self) -> list[str]:
        """The visitors' keys, by user number."""
        return list(self._user_nos)

    def add(self, logged: LoggedEvent) -> None:
        """Takes an event that says something for an item of the catalogue; passes over all others, and robots'."""
        event = logged.event
        if logged.erased or logged.flags:
            return
        strength = self._strength_of.get(event.type, 0.0)
        if not strength and event.type != event_types.DISLIKE:
            return
        item_no = self._item_nos.get(event.item_id)
        if item_no is None:
            return
        visitor = event.visitor
        key = user_key(visitor.user_id) if visitor.user_id else anonymous_key(visitor.anonymous_id)
        user_no = self._user_nos.setdefault(key, len(self._user_nos))
        if event.type == event_types.DISLIKE:
            self._disliked.add((user_no, item_no))
            return
        if event.type == event_types.WATCH and event.HasField("watched_fraction"):
            strength *= event.watched_fraction
        bought = event.type == event_types.PURCHASE
        order_no = 0
        if bought and event.order_id:
            order_no = self._order_nos.setdefault((user_no, event.order_id), len(self._order_nos) + 1)
        self._users.append(user_no)
        self._items.append(item_no)
        self._strengths.append(strength)
        self._millis.append(event.event_time.seconds * 1000 + event.event_time.nanos // 1_000_000)
        self._orders.append(order_no)
        self._bought.append(bought)

    def events(self) -> Events:
        """Returns the events in columns, without those of items that their user does not want."""
        events = Events(
            users=_numbers(self._users, np.uint32),
            items=_numbers(self._items, np.uint32),
            strengths=_numbers(self._strengths, np.float32),
            millis=_numbers(self._millis, np.int64),
            orders=_numbers(self._orders, np.uint32),
            bought=_numbers(self._bought, np.bool_),
        )
        if not self._disliked:
            return events
        disliked = np.array([user << 32 | item for user, item in self._disliked], np.int64)
        return events.where(~np.isin(events.users.astype(np.int64) << 32 | events.items, disliked))


def _numbers(values: "array[int] | array[float]", dtype: type[Number]) -> NDArray[Number]:
    return np.array(np.frombuffer(values, dtype) if len(values) else np.zeros(0, dtype))
