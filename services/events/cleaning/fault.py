from typing import NamedTuple


class Fault(NamedTuple):
    """Why an event is rejected: a stable reason, the field inside the event, what is wrong and what to do about it."""

    reason: str
    field: str
    description: str
