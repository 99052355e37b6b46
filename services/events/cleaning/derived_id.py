import hashlib
import struct
from typing import Final

from vitrine.events.v1.event_pb2 import Event

DERIVED_PREFIX: Final = "derived-"


def derived_event_id(event: Event, visitor_key: str) -> str:
    """Returns the id of an event whose client gave none: the same for the same visitor, type, target, time and order.

    The time is the client's, as sent. Without one, two equal events of one batch share an id (a double send), and those
    of two calls do not: the time of arrival tells them apart, once it has been settled.
    """
    subject = event.subject
    texts = (visitor_key, event.item_id, subject.subject_id, event.search_text, event.order_id)
    time = event.event_time
    parts = [struct.pack("<iiqi", event.type, subject.kind, time.seconds, time.nanos)]
    for text in texts:
        encoded = text.encode()
        parts += (struct.pack("<I", len(encoded)), encoded)
    return DERIVED_PREFIX + hashlib.blake2b(b"".join(parts), digest_size=16, person=b"vitrine-derived").hexdigest()
