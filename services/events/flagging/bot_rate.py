from typing import Final

from services.events.flagging.distinct_window import DistinctWindow
from services.events.flagging.event_flag import EventFlag
from vitrine.events.v1.event_pb2 import Event, EventType

# What a hand does one by one. Purchases come by the basket, and impressions by the page.
_BY_HAND: Final = frozenset(
    {
        EventType.EVENT_TYPE_VIEW,
        EventType.EVENT_TYPE_CLICK,
        EventType.EVENT_TYPE_SEARCH,
        EventType.EVENT_TYPE_FAVORITE,
        EventType.EVENT_TYPE_ADD_TO_CART,
        EventType.EVENT_TYPE_SHARE,
    }
)
_MINUTE_MILLIS: Final = 60_000


class BotRate:
    """A visitor who does more than `a_minute` things by hand in one minute. Those up to there are not flagged."""

    flag = EventFlag.BOT_RATE

    def __init__(self, a_minute: int) -> None:
        self._window = DistinctWindow(a_minute, _MINUTE_MILLIS)

    def holds(self, event: Event, visitor_key: bytes, event_key: bytes, event_millis: int) -> bool:
        return event.type in _BY_HAND and self._window.is_beyond(visitor_key, event_millis, event_key)
