import re
from typing import Final

from services.events.flagging.event_flag import EventFlag
from vitrine.events.v1.event_pb2 import Event

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
