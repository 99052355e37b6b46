"""Signs that an event isn't a shopper's: a robot, a stuck button, a loop. Counts leave such events out."""

import hashlib
import re
from collections.abc import Callable, Sequence
from enum import IntFlag
from functools import lru_cache
from typing import Final, Protocol

from vitrine.events.v1.event_pb2 import Event, EventType


class EventFlag(IntFlag):
    """Signs that an event isn't a shopper's. Stored as bits, reported by name: neither may change its meaning."""

    BOT_USER_AGENT = 1
    """The user agent is a program's."""
    BOT_RATE = 2
    """The visitor does more in a minute than a person can."""
    BURST = 4
    """The visitor repeats the same action on the same item over and over."""


@lru_cache(maxsize=64)
def flag_names(bits: int) -> tuple[str, ...]:
    """Returns the names of the bits that are set, without those that only a newer program knows."""
    return tuple(str(flag.name) for flag in EventFlag if flag & bits)


class FlagRule(Protocol):
    """One sign that an event isn't a shopper's. Runs for every event, so it must be cheap and use bounded memory."""

    flag: EventFlag

    def holds(self, event: Event, visitor_key: bytes, event_key: bytes, event_millis: int) -> bool:
        """Returns whether the sign is there. The event is cleaned; the keys are digests. An event that is sent again
        must not count twice.
        """
        ...


class Flagger:
    """Checks events for all signs. `flagged` is called with the name of each flag that is set.

    Flagged events are stored like others; consumers that count leave them out.
    """

    def __init__(self, rules: Sequence[FlagRule], flagged: Callable[[str], None]) -> None:
        self._rules = rules
        self._flagged = flagged

    def flags(self, event: Event, visitor_key: bytes, event_key: bytes, event_millis: int) -> int:
        """Returns the flags of a cleaned event, as EventFlag bits."""
        found = 0
        for rule in self._rules:
            if rule.holds(event, visitor_key, event_key, event_millis):
                found |= rule.flag
                self._flagged(str(rule.flag.name))
        return found


CONTEXT_KEY: Final = "user_agent"

# User agents of programs: crawlers, and the defaults of libraries and headless browsers. (CUBOT makes phones.)
_PROGRAMS: Final = re.compile(
    r"(?<!cu)bot\b|crawl|spider|slurp|scrap(er|y)|headless|phantomjs|puppeteer|playwright|selenium|lighthouse"
    r"|facebookexternalhit|python-|aiohttp|httpx|\bcurl/|\bwget/|go-http-client|libwww|java/",
    re.IGNORECASE,
)


class BotUserAgent:
    """The `user_agent` in the event's context is a program's."""

    flag = EventFlag.BOT_USER_AGENT

    def holds(self, event: Event, visitor_key: bytes, event_key: bytes, event_millis: int) -> bool:
        return CONTEXT_KEY in event.context and _PROGRAMS.search(event.context[CONTEXT_KEY]) is not None


# Actions that people do one by one. Purchases come by the basket, and impressions by the page.
_ONE_BY_ONE: Final = frozenset(
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
    """The visitor does more than `per_minute` of these actions in a minute. The first `per_minute` aren't flagged."""

    flag = EventFlag.BOT_RATE

    def __init__(self, per_minute: int) -> None:
        self._window = DistinctWindow(per_minute, _MINUTE_MILLIS)

    def holds(self, event: Event, visitor_key: bytes, event_key: bytes, event_millis: int) -> bool:
        return event.type in _ONE_BY_ONE and self._window.is_beyond(visitor_key, event_millis, event_key)


# These may repeat: two lines of an order, two refunds of it.
_REPEATABLE: Final = frozenset({EventType.EVENT_TYPE_PURCHASE, EventType.EVENT_TYPE_REFUND})
_WINDOW_MILLIS: Final = 10_000


class Burst:
    """The visitor repeats an action on an item more than `times` in ten seconds: a stuck button, a loop."""

    flag = EventFlag.BURST

    def __init__(self, times: int) -> None:
        self._window = DistinctWindow(times, _WINDOW_MILLIS)

    def holds(self, event: Event, visitor_key: bytes, event_key: bytes, event_millis: int) -> bool:
        if event.type in _REPEATABLE or not event.item_id:
            return False
        same = hashlib.blake2b(b"%s%d %s" % (visitor_key, event.type, event.item_id.encode()), digest_size=16)
        return self._window.is_beyond(same.digest(), event_millis, event_key)


class DistinctWindow:
    """Counts the distinct events of each group per time window, and reports those beyond `limit`.

    Windows follow event time, so that imported history is judged as it happened. The newest `remembered` windows are
    kept; an event that is sent again counts once.
    """

    def __init__(self, limit: int, window_millis: int, remembered: int = 20_000) -> None:
        self._limit = limit
        self._window_millis = window_millis
        self._remembered = remembered
        self._seen: dict[tuple[bytes, int], set[bytes]] = {}

    def is_beyond(self, group: bytes, millis: int, event_key: bytes) -> bool:
        """Counts an event; returns whether its group already had `limit` others in the same window."""
        place = (group, millis // self._window_millis)
        seen = self._seen.get(place)
        if seen is None:
            if len(self._seen) >= self._remembered:
                del self._seen[next(iter(self._seen))]
            self._seen[place] = {event_key}
            return False
        if len(seen) >= self._limit:
            return event_key not in seen
        seen.add(event_key)
        return False
