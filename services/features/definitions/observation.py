import hashlib
import math
import zlib
from dataclasses import dataclass
from typing import Final

from vitrine.events.v1.event_pb2 import Event

GREATEST_QUANTITY: Final = 1e6
GREATEST_PRICE: Final = 1e12


@dataclass(slots=True)
class Observation:
    """An event as the feature definitions see it: numbers instead of ids, and no more than they need.

    Whatever it was made from, its numbers are finite and within the log's bounds: no feature can become NaN, infinite
    or negative by them.
    """

    type: int
    """An EventType."""

    item_no: int
    """The catalog's number of the item; 0: the event had none."""

    event_millis: int
    event_id: str = ""
    quantity: float = 1.0
    """Above 0, at most 1e6; what is not is taken as 1."""

    unit_price: float | None = None
    """0 to 1e12; None: not known, or none that could be."""

    watched_fraction: float | None = None
    """0 to 1; None: not known."""

    subject: str | None = None
    """FOLLOW and UNFOLLOW: the subject as "kind:id", the kind as its number in SubjectKind."""

    search_text: str = ""
    order_id: str = ""

    def __post_init__(self) -> None:
        if not 0.0 < self.quantity <= GREATEST_QUANTITY:
            self.quantity = 1.0
        if self.unit_price is not None and not 0.0 <= self.unit_price <= GREATEST_PRICE:
            self.unit_price = None
        if self.watched_fraction is not None:
            fraction = self.watched_fraction
            self.watched_fraction = None if math.isnan(fraction) else min(max(fraction, 0.0), 1.0)

    @property
    def tie_break(self) -> int:
        """Orders events of one millisecond, the same in every process."""
        return zlib.crc32(self.event_id.encode())

    @property
    def order_hash(self) -> int:
        """Tells orders apart: 64 bits, 0 if the event names none."""
        if not self.order_id:
            return 0
        return int.from_bytes(hashlib.blake2b(self.order_id.encode(), digest_size=8).digest(), "little") or 1


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
