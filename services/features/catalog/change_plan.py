from services.common.errors import FieldViolation
from services.common.validation import identifier_fault
from services.features.catalog.item_fault import item_fault, settle_zeros
from services.features.catalog.item_row import StoredItem
from services.features.catalog.numbers import NumberDraft
from services.features.store.times import from_micros, to_micros, update_time_fault
from services.features.store.versioned_record import VersionedRecord, apply_fields, apply_update, is_path
from vitrine.features.v1 import catalog_service_pb2 as pb
from vitrine.features.v1.item_pb2 import Item

KnownItem = VersionedRecord[Item]

MAPS = frozenset({"attributes", "vectors"})
FIXED_FIELDS = frozenset({"item_id", "update_time"})
NEEDED_OF_NEW = frozenset({"TITLE_REQUIRED", "CATEGORY_REQUIRED"})
NOT_THERE = FieldViolation(
    "item.item_id",
    "isn't in the catalog: it was never sent in full, or was deleted; send the full item, then its parts",
    "ITEM_UNKNOWN",
)
"""A stock or a price of an item that isn't there: its sender knows no titles."""


class ChangePlan:
    """Decides what a batch changes, element by element, on what is stored and on what the batch changed before."""

    def __init__(
        self,
        stored: dict[str, StoredItem],
        next_item_no: int,
        version: int,
        arrival_micros: int,
        numbers: NumberDraft,
    ) -> None:
        """`stored` has the items of the batch that have a number; `version` is the catalog's present one.

        `arrival_micros` is the time of the batch's first element, for updates without one.
        """
        self._stored = stored
        self._next_item_no = next_item_no
        self._arrival_micros = arrival_micros
        self._before_version = self._last_version = version
        self._numbers = numbers
        self.changed: dict[str, StoredItem] = {}
        self.new_ids: list[str] = []
        """Those that were given numbers, in the order of these."""

    @property
    def version(self) -> int:
        """The catalog's version once this is committed. A number alone makes one too: others must learn of it."""
        return max(self._last_version, self._before_version + 1) if self.new_ids else self._last_version

    def upsert(self, place: int, update: pb.ItemUpdate) -> pb.ItemResult:
        """Takes element `place` of the batch in; its item may become part of what is stored."""
        item, prefix = update.item, f"updates[{place}]."
        fault = _request_fault(update, self._arrival_micros)
        if fault:
            return self._rejected(item.item_id, prefix, fault)
        stored = self._stored.get(item.item_id)
        micros = to_micros(item.update_time) if item.HasField("update_time") else self._arrival_micros + place
        if stored is not None and stored.deleted_micros is not None and micros <= stored.deleted_micros:
            return _result(pb.ITEM_STATUS_OUTDATED, stored)
        before = stored.known if stored is not None else None
        known = _apply(before, item, list(update.update_mask.paths), micros)
        if known is None:
            repeated = before is not None and micros == before.micros and _is_same(before.message, item)
            return _result(pb.ITEM_STATUS_UNCHANGED if repeated else pb.ITEM_STATUS_OUTDATED, stored)
        settle_zeros(known.message)
        if fault := item_fault(known.message, "item.") or self._fault_of_new(before, known.message):
            if before is None and update.update_mask.paths and fault.reason in NEEDED_OF_NEW:
                fault = NOT_THERE
            return self._rejected(item.item_id, prefix, fault)
        self._declare(known.message)
        known.message.update_time.CopyFrom(from_micros(known.newest_micros))
        if stored is None:
            stored = self._new(item.item_id)
        return self._keep(stored, before, known)

    def delete(self, item_id: str, as_of_micros: int | None) -> pb.ItemResult:
        """Deletes an item, as of a time or of the arrival.

        If it was never seen, the time is kept: an older update doesn't bring it in.
        """
        micros = self._arrival_micros if as_of_micros is None else as_of_micros
        stored = self._stored.get(item_id)
        known = stored is not None and stored.known is not None
        stored = stored or self._new(item_id)
        # Of its last full update: a newer price or stock doesn't keep a deleted item.
        if stored.known is not None and micros < stored.known.micros:
            return _result(pb.ITEM_STATUS_OUTDATED, stored)
        stored.known, stored.deleted_micros = None, max(micros, stored.deleted_micros or micros)
        if known:
            self._next_version(stored)
        self.changed[item_id] = stored
        return _result(pb.ITEM_STATUS_DELETED if known else pb.ITEM_STATUS_NOT_FOUND, stored)

    def reserve(self, item_id: str) -> None:
        """Gives an id that nobody has heard of a number."""
        if item_id not in self._stored:
            self.changed[item_id] = self._new(item_id)

    def _keep(self, stored: StoredItem, before: KnownItem | None, known: KnownItem) -> pb.ItemResult:
        stored.known, stored.deleted_micros = known, None
        self.changed[stored.item_id] = stored
        if before is None:
            stored.create_millis = stored.create_millis or self._arrival_micros // 1_000
            status = pb.ITEM_STATUS_CREATED
        elif _is_same(before.message, known.message):
            # Kept as it was, to the letter: nobody is told of an update that changes nothing.
            known.message.update_time.CopyFrom(before.message.update_time)
            return _result(pb.ITEM_STATUS_UNCHANGED, stored)
        else:
            status = pb.ITEM_STATUS_UPDATED
        self._next_version(stored)
        return _result(status, stored)

    def _new(self, item_id: str) -> StoredItem:
        stored = self._stored[item_id] = StoredItem(self._next_item_no, item_id)
        self._next_item_no += 1
        self.new_ids.append(item_id)
        return stored

    def _next_version(self, stored: StoredItem) -> None:
        self._last_version += 1
        stored.version = self._last_version

    def _fault_of_new(self, before: KnownItem | None, item: Item) -> FieldViolation | None:
        """Returns what is wrong with what was not there before. What stands already stays."""
        return self._type_fault(before, item) or _zero_vector_fault(before, item)

    def _type_fault(self, before: KnownItem | None, item: Item) -> FieldViolation | None:
        """Returns which attribute is of another type than it was declared with."""
        for name, value in item.attributes.items():
            sent, declared = value.WhichOneof("value"), self._numbers.attribute_type(name)
            if declared in {None, sent} or (before is not None and before.message.attributes.get(name) == value):
                continue
            return FieldViolation(
                f"item.attributes.{name}",
                f"is a {sent}, but the first value of this attribute was a {declared}; send that, or use another name",
                "ATTRIBUTE_TYPE_CHANGED",
            )
        return None

    def _declare(self, item: Item) -> None:
        for name, value in item.attributes.items():
            if self._numbers.attribute_type(name) is None and (kind := value.WhichOneof("value")):
                self._numbers.declare_attribute(name, kind)

    def _rejected(self, item_id: str, prefix: str, fault: FieldViolation) -> pb.ItemResult:
        stored = self._stored.get(item_id)
        return pb.ItemResult(
            status=pb.ITEM_STATUS_REJECTED,
            item_id=item_id,
            item_no=stored.item_no if stored is not None else 0,
            reason=fault.reason,
            field=prefix + fault.field,
            description=fault.description,
        )


def _request_fault(update: pb.ItemUpdate, now_micros: int) -> FieldViolation | None:
    if fault := identifier_fault(update.item.item_id):
        return FieldViolation("item.item_id", fault[1], fault[0])
    if update.item.HasField("update_time") and (
        fault_of_time := update_time_fault("item.update_time", update.item.update_time, now_micros)
    ):
        return fault_of_time
    for path in update.update_mask.paths:
        if path in FIXED_FIELDS or not is_path(Item, path, MAPS):
            return FieldViolation(
                "update_mask", f"names {path!r}, which is no field of an item that can be changed", "FIELD_UNKNOWN"
            )
    return None


def _zero_vector_fault(before: KnownItem | None, item: Item) -> FieldViolation | None:
    """Returns which vector points nowhere, and could be compared with none."""
    for name, vector in item.vectors.items():
        if any(vector.values) or (before is not None and before.message.vectors.get(name) == vector):
            continue
        return FieldViolation(
            f"item.vectors.{name}", "is all zero, which is no direction; leave this vector out", "VECTOR_ZERO"
        )
    return None


def _apply(before: KnownItem | None, item: Item, paths: list[str], micros: int) -> KnownItem | None:
    if not paths:
        return apply_update(before, item, micros)
    if before is not None:
        return apply_fields(before, item, paths, micros)
    nothing = VersionedRecord(Item(item_id=item.item_id), micros - 1)
    known = apply_fields(nothing, item, paths, micros)
    return None if known is None else VersionedRecord(known.message, micros)


def _is_same(before: Item, after: Item) -> bool:
    """Returns whether two versions say the same, whatever their update times."""
    copied = Item()
    copied.CopyFrom(before)
    copied.update_time.CopyFrom(after.update_time)
    return copied == after


def _result(status: pb.ItemStatus.ValueType, stored: StoredItem | None) -> pb.ItemResult:
    if stored is None:
        return pb.ItemResult(status=status)
    return pb.ItemResult(status=status, item_id=stored.item_id, item_no=stored.item_no)
