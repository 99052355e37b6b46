from collections.abc import Iterator

from google.protobuf.field_mask_pb2 import FieldMask

from cli.importer.attributes import AttributeMessages
from cli.importer.columns import ATTRIBUTE
from cli.importer.newest_kept import NewestKept
from cli.importer.rows import Rows
from services.common.timestamps import millis_to_timestamp
from services.common.visitors import anonymous_key, user_key
from vitrine.common.v1 import visitor_pb2
from vitrine.features.v1 import user_pb2, user_service_pb2


class UserRows:
    """Makes updates of users of rows.

    Args:
        partial: change only the attributes that there are columns for.
    """

    def __init__(self, *, partial: bool) -> None:
        self._partial = partial
        self._newest = NewestKept()
        self._attributes = AttributeMessages()

    def drop_duplicates(self, rows: Rows) -> int:
        """Leaves all but the newest row of each user out; returns how many."""
        return self._newest.drop_older(visitor_keys(rows), rows)

    def messages(self, rows: Rows) -> Iterator[tuple[int, user_service_pb2.UserUpdate]]:
        """The updates with the lines that they come from."""
        mask = self._mask(rows)
        names = ("user_id", "anonymous_id", "consent", "update_time")
        for row, (user_id, anonymous_id, consent, millis) in rows.together(*names):
            user = user_pb2.User(
                visitor=visitor_pb2.Visitor(user_id=user_id, anonymous_id=anonymous_id),
                consent=consent,
                update_time=None if millis is None else millis_to_timestamp(millis),
            )
            for name, value in rows.attributes_of(row).items():
                user.attributes[name].CopyFrom(self._attributes.of(value))
            yield rows.lines[row], user_service_pb2.UserUpdate(user=user, update_mask=mask)

    def _mask(self, rows: Rows) -> FieldMask | None:
        if not self._partial:
            return None
        consent = ["consent"] if "consent" in rows.fields else []
        return FieldMask(paths=consent + [ATTRIBUTE + name for name in rows.attributes])


def visitor_keys(rows: Rows) -> list[str]:
    """The key of each row's visitor; of an empty id where a row has none."""
    pairs = zip(rows.column("user_id"), rows.column("anonymous_id"), strict=True)
    return [user_key(user_id) if user_id else anonymous_key(anonymous_id or "") for user_id, anonymous_id in pairs]
