from enum import IntFlag
from functools import lru_cache


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
