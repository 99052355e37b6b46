from collections.abc import Callable, Sequence

from services.events.flagging.flag_rule import FlagRule
from vitrine.events.v1.event_pb2 import Event


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
