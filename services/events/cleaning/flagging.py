"""Signs that an event isn't a shopper's: a robot, a stuck button, a loop. Counts leave such events out."""

import hashlib
import re
from collections.abc import Callable, Sequence
from enum import IntFlag
from functools import lru_cache
from typing import Final, Protocol

from vitrine.events.v1.event_pb2 import Event, EventType


class EventFlag(IntFlag):
    """Signs that an event is no shopper's. Stored as bits, told by name: neither may change its meaning."""

    BOT_USER_AGENT = 1
    """The user agent says that it is a program."""
    BOT_RATE = 2
    """The visitor does more in a minute than a person can."""
    BURST = 4
    """The visitor does the same to the same item over and over."""


@lru_cache(maxsize=64)
def flag_names(bits: int) -> tuple[str, ...]:
    """Returns the names of set bits; those that only a newer program knows are left out."""
    return tuple(str(flag.name) for flag in EventFlag if flag & bits)


class FlagRule(Protocol):
    """One sign that an event is no shopper's. Runs for every event that comes in: cheap, and of bounded memory."""

    flag: EventFlag

    def holds(self, event: Event, visitor_key: bytes, event_key: bytes, event_millis: int) -> bool:
        """Returns whether the sign is there. The event is cleaned; the keys are digests. The same event, sent again,
        must not weigh twice.
        """
        ...


class Flagger:
    """Looks for all signs that an event is no shopper's. `flagged` is told the name of each that is found.

    Flagged events are stored like others; who counts leaves them out.
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

# How programs that fetch pages name themselves: crawlers, and what libraries and headless browsers send by default.
# (CUBOT makes telephones.)
_PROGRAMS: Final = re.compile(
    r"(?<!cu)bot\b|crawl|spider|slurp|scrap(er|y)|headless|phantomjs|puppeteer|playwright|selenium|lighthouse"
    r"|facebookexternalhit|python-|aiohttp|httpx|\bcurl/|\bwget/|go-http-client|libwww|java/",
    re.IGNORECASE,
)


class BotUserAgent:
    """The event's context names a user agent (`user_agent`), and it is a program's."""

    flag = EventFlag.BOT_USER_AGENT

    def holds(self, event: Event, visitor_key: bytes, event_key: bytes, event_millis: int) -> bool:
        return CONTEXT_KEY in event.context and _PROGRAMS.search(event.context[CONTEXT_KEY]) is not None


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


class DistinctWindow:
    """Counts the different events of a group in windows of time, and says which are beyond `limit`.

    Time is the events' own, so that imported history is judged as it happened. The newest `remembered` windows are
    kept; an event that comes again is counted once.
    """

    def __init__(self, limit: int, window_millis: int, remembered: int = 20_000) -> None:
        self._limit = limit
        self._window_millis = window_millis
        self._remembered = remembered
        self._seen: dict[tuple[bytes, int], set[bytes]] = {}

    def is_beyond(self, group: bytes, millis: int, event_key: bytes) -> bool:
        """Counts an event; returns whether its group had `limit` others in its window before it."""
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
