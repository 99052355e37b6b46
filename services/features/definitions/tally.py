from typing import NamedTuple


class Tally(NamedTuple):
    """What an event of one user changes in the statistics of its item, which are sums over all users.

    What is taken back is counted with the opposite sign at the time when it was done: so the sums forget it, decayed
    ones too.
    """

    item_no: int
    type: int
    """The EventType that is counted."""

    millis: int
    """When it was done."""

    number: int = 0
    """1: one more; -1: one less."""

    strength: float = 0.0
    """What is added to the decayed sums, for `millis`."""

    price: float | None = None
    """The unit price of the counted purchase; None: not known."""

    buyers: int = 0
    """1: the user is now among those who bought the item; -1: no longer."""

    users: int = 0
    """1: the user is now among those who interacted with the item; -1: no longer."""

    intervals: int = 0
    """How many more times the user bought the item again."""

    interval_millis: int = 0
    """How much longer the time from the user's first purchase of it to the last is."""
