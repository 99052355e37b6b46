import hashlib
from typing import Final

from services.events.flagging.distinct_window import DistinctWindow
from services.events.flagging.event_flag import EventFlag
from vitrine.events.v1.event_pb2 import Event, EventType

# Who sends these twice means it: two lines of an order, two refunds of it.
_MEANT: Final = frozenset({EventType.EVENT_TYPE_PURCHASE, EventType.EVENT_TYPE_REFUND})
_WINDOW_MILLIS: Final = 10_000


class Burst:
    """The same visitor does the same to the same item more than `times` in ten seconds: a stuck button, a loop."""

    flag = EventFlag.BURST

    def __init__(self, times: int) -> None:
        self._window = DistinctWindow(times, _WINDOW_MILLIS)

    def holds(self, event: Event, visitor_key: bytes, event_key: bytes, event_millis: int) -> bool:
        if event.type in _MEANT or not event.item_id:
            return False
        same = hashlib.blake2b(b"%s%d %s" % (visitor_key, event.type, event.item_id.encode()), digest_size=16)
        return self._window.is_beyond(same.digest(), event_millis, event_key)
