import zlib
from dataclasses import dataclass

from vitrine.events.v1.event_pb2 import Event


@dataclass(slots=True)
class Observation:
    """An event as the feature definitions see it: numbers instead of ids, and no more than they need."""

    type: int
    """An EventType."""

    item_no: int
    """The catalogue's number of the item; 0: the event had none."""

    event_millis: int
    event_id: str = ""
    quantity: float = 1.0
    unit_price: float | None = None
    watched_fraction: float | None = None
    subject: str | None = None
    """FOLLOW and UNFOLLOW: the subject as "kind:id", the kind as its number in SubjectKind."""

    search_text: str = ""
    order_id: str = ""

    @property
    def tie_break(self) -> int:
        """Orders events of one millisecond, the same in every process."""
        return zlib.crc32(self.event_id.encode())


def observe(event: Event, item_no: int) -> Observation:
    """Returns a cleaned event of the log as an observation; `item_no` is the number of its item, 0 for none."""
    time = event.event_time
    return Observation(
        type=int(event.type),
        item_no=item_no,
        event_millis=time.seconds * 1000 + time.nanos // 1_000_000,
        event_id=event.event_id,
        quantity=event.quantity if event.HasField("quantity") else 1.0,
        unit_price=event.unit_price if event.HasField("unit_price") else None,
        watched_fraction=event.watched_fraction if event.HasField("watched_fraction") else None,
        subject=f"{event.subject.kind}:{event.subject.subject_id}" if event.HasField("subject") else None,
        search_text=event.search_text,
        order_id=event.order_id,
    )
