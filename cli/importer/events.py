from collections.abc import Iterator

from google.protobuf.timestamp_pb2 import Timestamp

from cli.importer.event_ids import derive_event_ids
from cli.importer.rows import Rows
from cli.importer.seen_ids import SeenIds
from cli.importer.users import visitor_keys
from vitrine.common.v1 import visitor_pb2
from vitrine.events.v1 import event_pb2

NAMES = (
    "event_id",
    "user_id",
    "anonymous_id",
    "type",
    "item_id",
    "subject_kind",
    "subject_id",
    "event_time",
    "quantity",
    "unit_price",
    "currency_code",
    "watched_fraction",
    "tracking_token",
    "search_text",
    "order_id",
)


class EventRows:
    """Makes events of rows."""

    def __init__(self) -> None:
        self._seen = SeenIds()
        self.repeated = 0
        """Events sent that were most likely in the file before: the log says that it has them already."""

    def drop_duplicates(self, rows: Rows) -> int:
        """Leaves events that came before in these rows out; returns how many came before in the file.

        What came before these rows is known by hash alone and goes on: the log, which knows ids for certain, has the
        last word on it.
        """
        visitors = visitor_keys(rows)
        derive_event_ids(rows, visitors)
        first: dict[str, int] = {}
        duplicates = 0
        for row, (event_id,) in list(rows.together("event_id")):
            # Ids are unique to their visitor. No id holds the character between them.
            if first.setdefault(f"{visitors[row]}\n{event_id}", row) != row:
                rows.left_out.add(row)
                duplicates += 1
        again = int(self._seen.seen(list(first)).sum())
        self.repeated += again
        return duplicates + again

    def messages(self, rows: Rows) -> Iterator[tuple[int, event_pb2.Event]]:
        """The events with the lines that they come from."""
        lines, with_context = rows.lines, bool(rows.attributes)
        for row, values in rows.together(*NAMES):
            (event_id, user_id, anonymous_id, kind, item_id, subject_kind, subject_id, millis, *rest) = values
            quantity, unit_price, currency_code, watched_fraction, tracking_token, search_text, order_id = rest
            event = event_pb2.Event(
                event_id=event_id,
                visitor=visitor_pb2.Visitor(user_id=user_id, anonymous_id=anonymous_id),
                type=kind,
                item_id=item_id,
                event_time=None if millis is None else _timestamp(millis),
                quantity=quantity,
                unit_price=unit_price,
                currency_code=currency_code,
                watched_fraction=watched_fraction,
                tracking_token=tracking_token,
                search_text=search_text,
                order_id=order_id,
            )
            if subject_id is not None:
                event.subject.subject_id = subject_id
                event.subject.kind = subject_kind or event_pb2.SUBJECT_KIND_UNSPECIFIED
            if with_context:
                event.context.update(rows.attributes_of(row))
            yield lines[row], event


def _timestamp(millis: int) -> Timestamp:
    seconds, rest = divmod(millis, 1000)
    return Timestamp(seconds=seconds, nanos=rest * 1_000_000)
