from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from services.common.item_state import HAS_PRICE, HIDDEN, IN_CATALOG, IN_STOCK, REDUCED
from services.features.catalog.numbers import NumberDraft
from services.features.store.versioned_record import VersionedRecord, times_from_bytes, times_to_bytes
from vitrine.features.v1 import item_pb2
from vitrine.features.v1.item_pb2 import Item


@dataclass(slots=True)
class StoredItem:
    """An item as the catalog holds it: known, deleted, or only a number (version 0, nothing known)."""

    item_no: int
    item_id: str
    version: int = 0
    known: VersionedRecord[Item] | None = None
    deleted_micros: int | None = None
    """When it was deleted; older updates don't bring it back."""

    create_millis: int = 0


def from_row(row: Row[Any]) -> StoredItem:
    """Returns the item of a row of the table `items`."""
    stored = StoredItem(row.item_no, row.item_id, row.version, create_millis=row.create_millis)
    if row.deleted:
        stored.deleted_micros = row.update_micros
    elif row.payload is not None:
        item = parse_item(row.payload, row.vectors)
        stored.known = VersionedRecord(item, row.update_micros, times_from_bytes(row.field_times))
    return stored


def parse_item(payload: bytes, vectors: bytes | None) -> Item:
    """Returns the whole item from its two parts."""
    item = Item.FromString(payload)
    if vectors:
        item.MergeFromString(vectors)
    return item


def to_row(stored: StoredItem, numbers: NumberDraft) -> dict[str, Any]:
    """Returns the row of the table `items`."""
    known = stored.known
    row = {
        "item_no": stored.item_no,
        "item_id": stored.item_id,
        "version": stored.version,
        "deleted": stored.deleted_micros is not None,
        "update_micros": stored.deleted_micros or 0,
        "field_times": None,
        "create_millis": stored.create_millis,
        "payload": None,
        "vectors": None,
        "flags": 0,
        "kind": 0,
        "available_from_millis": 0,
        "available_until_millis": 0,
        "minimum_age": 0,
        "group_no": stored.item_no,
        "category_no": 0,
        "brand_no": 0,
        "price": -1.0,
    }
    if known is not None:
        row |= _item_columns(known.message, stored.item_no, numbers)
        row["update_micros"] = known.micros
        row["field_times"] = times_to_bytes(known.field_times)
        row["payload"], row["vectors"] = _parts(known.message)
    return row


def _item_columns(item: Item, item_no: int, numbers: NumberDraft) -> dict[str, Any]:
    kind = item.kind or item_pb2.ITEM_KIND_PRODUCT
    priced = item.HasField("price")
    flags = IN_CATALOG
    flags |= HIDDEN if item.hidden else 0
    flags |= IN_STOCK if not item.HasField("stock") or item.stock > 0 else 0
    flags |= HAS_PRICE if priced or kind != item_pb2.ITEM_KIND_PRODUCT else 0
    flags |= REDUCED if priced and item.HasField("list_price") and item.list_price > item.price else 0
    return {
        "flags": flags,
        "kind": kind,
        "available_from_millis": _millis(item, "available_from_time"),
        "available_until_millis": _millis(item, "available_until_time"),
        "minimum_age": item.minimum_age,
        "group_no": numbers.group_no(item.group_id, item_no),
        "category_no": numbers.category_no(item.category_paths[0].names),
        "brand_no": numbers.brand_no(item.brand),
        "price": item.price if priced else -1.0,
    }


def _millis(item: Item, name: str) -> int:
    if not item.HasField(name):  # type: ignore[arg-type]  # the stubs want literal names
        return 0
    time = getattr(item, name)
    # 0 says that there is no bound; the first millisecond of 1970 is as good.
    return int(time.seconds * 1_000 + time.nanos // 1_000_000) or 1


def _parts(item: Item) -> tuple[bytes, bytes | None]:
    """Returns the item without its vectors, and an item of nothing but them."""
    if not item.vectors:
        return item.SerializeToString(), None
    vectors = Item()
    vectors.vectors.MergeFrom(item.vectors)
    rest = Item()
    rest.CopyFrom(item)
    rest.ClearField("vectors")
    return rest.SerializeToString(), vectors.SerializeToString()
