import hashlib
from typing import Any

from cli.importer.rows import Rows

PREFIX = "import-"
# What an event is told by. Two rows that agree in all of it are one event that stands there twice.
TOLD_BY = ("type", "item_id", "subject_kind", "subject_id", "search_text", "event_time", "order_id")


def derive_event_ids(rows: Rows, visitors: list[str]) -> None:
    """Gives an id to events that have none: a hash of visitor, type, target, time and order, so that the same row has
    the same id in every import.

    Args:
        rows: the rows, changed in place.
        visitors: key of each row's visitor.
    """
    ids = rows.column("event_id")
    if all(ids):
        return
    rows.fields["event_id"] = ids
    for row, values in rows.together(*TOLD_BY):
        if ids[row] is None:
            ids[row] = _derived(visitors[row], *values)


def _derived(*parts: Any) -> str:
    digest = hashlib.blake2b(digest_size=16, person=b"vitrine-import")
    for part in parts:
        encoded = b"" if part is None else str(part).encode()
        digest.update(len(encoded).to_bytes(4, "big") + encoded)
    return PREFIX + digest.hexdigest()
