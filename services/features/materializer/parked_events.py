"""Events that could not be applied, again and again. They are counted in nobody's features until a rebuild that can
apply them; the log still has them.
"""

from collections.abc import Collection, Sequence
from typing import Final, NamedTuple, TypeAlias

from sqlalchemy import Connection, delete, func, select, tuple_

from services.features.store.tables import PARKED_EVENTS, USER_STATES
from services.features.store.upsert import upsert
from vitrine.events.v1.event_service_pb2 import LoggedEvent

Place: TypeAlias = tuple[int, int]
"""Partition and offset."""

BEFORE_ALL: Final[Place] = (-1, -1)


class PoisonEventError(Exception):
    """An event, or the stored state that it belongs to, makes the materializer fail."""

    def __init__(self, event: LoggedEvent, visitor_key: str, error: Exception, *, unreadable: bool) -> None:
        """`unreadable`: it's the visitor's state, so that nothing of the visitor can be applied."""
        super().__init__(f"offset {event.offset} of partition {event.partition}: {type(error).__name__}")
        self.event = event
        self.visitor_key = visitor_key
        self.reason = type(error).__name__
        self.unreadable = unreadable


class SpoiledError(Exception):
    """What isn't saved may hold half of an event, and must not be: it's to be dropped, and the log read again."""


class ParkedEvent(NamedTuple):
    """A row of `parked_events`."""

    partition: int
    event_offset: int
    visitor_key: str
    event_id: str
    event_type: int
    reason: str
    """The class of the error that it caused; the service's log has the trace."""

    attempts: int
    park_millis: int


def parked_event(event: LoggedEvent, visitor_key: str, reason: str, attempts: int, millis: int) -> ParkedEvent:
    """Returns the row of an event of the log."""
    kind, event_id = int(event.event.type), event.event.event_id
    return ParkedEvent(event.partition, event.offset, visitor_key, event_id, kind, reason, attempts, millis)


class CappedUser(NamedTuple):
    """A visitor whose state is full."""

    visitor_key: str
    uncounted_events: int


def park(connection: Connection, events: Sequence[ParkedEvent]) -> None:
    """Parks events; those that are parked already stay as they are."""
    upsert(connection, PARKED_EVENTS, [event._asdict() for event in events], keep=True)


def unpark(connection: Connection, places: Collection[Place]) -> None:
    """Takes away events that are applied by now."""
    if places:
        place = tuple_(PARKED_EVENTS.c.partition, PARKED_EVENTS.c.event_offset)
        connection.execute(delete(PARKED_EVENTS).where(place.in_(list(places))))


def unpark_visitors(connection: Connection, keys: Sequence[str]) -> int:
    """Takes away what names visitors; returns how many events that were."""
    return connection.execute(delete(PARKED_EVENTS).where(PARKED_EVENTS.c.visitor_key.in_(keys))).rowcount


def read_parked(connection: Connection, after: Place, limit: int) -> list[ParkedEvent]:
    """Returns the parked events behind a place, by partition and offset, at most `limit`."""
    place = tuple_(PARKED_EVENTS.c.partition, PARKED_EVENTS.c.event_offset)
    order = (PARKED_EVENTS.c.partition, PARKED_EVENTS.c.event_offset)
    rows = connection.execute(select(PARKED_EVENTS).where(place > after).order_by(*order).limit(limit))
    return [ParkedEvent._make(row) for row in rows]


def read_places(connection: Connection, keys: Sequence[str] | None = None) -> set[Place]:
    """Returns where parked events are, of all visitors or of some."""
    places = select(PARKED_EVENTS.c.partition, PARKED_EVENTS.c.event_offset)
    some = places if keys is None else places.where(PARKED_EVENTS.c.visitor_key.in_(keys))
    return {(row.partition, row.event_offset) for row in connection.execute(some)}


def count_parked(connection: Connection) -> int:
    """Returns how many events are parked."""
    return int(connection.scalar(select(func.count()).select_from(PARKED_EVENTS)) or 0)


def read_capped_users(connection: Connection, limit: int) -> list[CappedUser]:
    """Returns the visitors whose states are full, those with the most uncounted events first, at most `limit`."""
    capped = select(USER_STATES.c.visitor_key, USER_STATES.c.uncounted_events)
    capped = capped.where(USER_STATES.c.uncounted_events > 0)
    rows = connection.execute(
        capped.order_by(USER_STATES.c.uncounted_events.desc(), USER_STATES.c.visitor_key).limit(limit)
    )
    return [CappedUser._make(row) for row in rows]
