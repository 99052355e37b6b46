"""What the catalog asks its database."""

from collections.abc import Collection, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, func, select

from services.features.catalog.columns import TYPES
from services.features.catalog.item_row import StoredItem, from_row
from services.features.store.tables import ITEMS

LOADED: Final = ("item_no", "item_id", "version", "create_millis", *TYPES)


def read_stored(connection: Connection, item_ids: Collection[str]) -> dict[str, StoredItem]:
    """Returns those of the items that have a number, whole, by id."""
    rows = connection.execute(select(ITEMS).where(ITEMS.c.item_id.in_(item_ids)))
    return {row.item_id: from_row(row) for row in rows}


def read_last_item_no(connection: Connection) -> int:
    """Returns the greatest number that was handed out; 0: none was."""
    return connection.scalar(select(func.max(ITEMS.c.item_no))) or 0


def read_new_ids(connection: Connection, last_item_no: int) -> list[str]:
    """Returns the ids whose numbers follow `last_item_no`, in the order of their numbers, which have no gap."""
    new = select(ITEMS.c.item_id).where(ITEMS.c.item_no > last_item_no).order_by(ITEMS.c.item_no)
    return list(connection.scalars(new))


def read_rows(connection: Connection, after: int, until: int, limit: int) -> list[dict[str, Any]]:
    """Returns what memory holds of the items that changed in (after, until], by version, at most `limit`."""
    columns = [ITEMS.c[name] for name in (*LOADED, "payload")]
    changed = select(*columns).where(ITEMS.c.version > after, ITEMS.c.version <= until)
    return [row._asdict() for row in connection.execute(changed.order_by(ITEMS.c.version).limit(limit))]


def read_columns(connection: Connection) -> dict[str, list[Any]]:
    """Returns what is held in memory of all items, in columns, by item_no."""
    rows = connection.execute(select(*(ITEMS.c[name] for name in LOADED)).order_by(ITEMS.c.item_no)).all()
    columns = zip(*rows, strict=True) if rows else ([] for _ in LOADED)
    return {name: list(column) for name, column in zip(LOADED, columns, strict=True)}


def read_payloads(connection: Connection, limit: int) -> Sequence[Row[int, bytes]]:
    """Returns (item_no, payload) of the items that changed last, at most `limit`, the last one at the end."""
    newest = select(ITEMS.c.item_no, ITEMS.c.payload).where(ITEMS.c.payload.is_not(None))
    return connection.execute(newest.order_by(ITEMS.c.version.desc()).limit(limit)).all()[::-1]


def read_parts(connection: Connection, item_nos: Sequence[int]) -> Sequence[Row[int, bytes, bytes | None]]:
    """Returns (item_no, payload, vectors) of items that are in the catalog."""
    parts = select(ITEMS.c.item_no, ITEMS.c.payload, ITEMS.c.vectors)
    return connection.execute(parts.where(ITEMS.c.item_no.in_(item_nos), ITEMS.c.payload.is_not(None))).all()


def read_changes(connection: Connection, after: int, until: int, limit: int, *, vectors: bool) -> Sequence[Row[Any]]:
    """Returns the items whose last change made a version in (after, until], by version, at most `limit`."""
    names = ["item_no", "item_id", "version", "create_millis", "payload", "group_no", "category_no", "brand_no"]
    columns = [ITEMS.c[name] for name in [*names, "vectors"][: None if vectors else -1]]
    changed = select(*columns).where(ITEMS.c.version > after, ITEMS.c.version <= until)
    return connection.execute(changed.order_by(ITEMS.c.version).limit(limit)).all()
