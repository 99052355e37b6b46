"""What becomes of what the shop says of a user: checked, applied, joined with what it said of merged visitors."""

from collections.abc import Mapping

from services.common.consent import stricter
from services.common.errors import FieldViolation
from services.common.validation import Violations
from services.common.visitors import check_visitor, visitor_from_key
from services.features.store.attributes import attributes_fault
from services.features.store.times import from_micros, to_micros, update_time_fault
from services.features.store.versioned_record import VersionedRecord, apply_fields, apply_update, copy_field, is_path
from vitrine.common.v1.visitor_pb2 import CONSENT_UNSPECIFIED, Consent
from vitrine.features.v1 import user_service_pb2 as pb
from vitrine.features.v1.user_pb2 import User
from vitrine.features.v1.user_service_pb2 import UserUpdate

KnownUser = VersionedRecord[User]

MAPS = frozenset({"attributes"})
FIXED_FIELDS = frozenset({"visitor", "update_time"})


def user_update_fault(update: UserUpdate, now_micros: int) -> FieldViolation | None:
    """Returns what is wrong with an update of a user, whatever is known of the user, or None."""
    user = update.user
    violations = Violations("user.")
    if not check_visitor(violations, user.visitor):
        return violations.found[0]
    if user.HasField("update_time") and (fault := update_time_fault("user.update_time", user.update_time, now_micros)):
        return fault
    for path in update.update_mask.paths:
        if path in FIXED_FIELDS or not is_path(User, path, MAPS):
            return FieldViolation(
                "update_mask", f"names {path!r}, which is no field of a user that can be changed", "FIELD_UNKNOWN"
            )
    if user.consent not in Consent.values():
        return FieldViolation("user.consent", f"is {user.consent}; see Consent", "CONSENT_UNKNOWN")
    return None


def known_user_fault(user: User, types: Mapping[str, str]) -> FieldViolation | None:
    """Returns what makes a user, as it would be stored, unfit, or None; `types` are those of all attributes."""
    if fault := attributes_fault("user.attributes", user.attributes):
        return fault
    for name, value in user.attributes.items():
        declared, sent = types.get(name), value.WhichOneof("value")
        if declared is not None and declared != sent:
            return FieldViolation(
                f"user.attributes.{name}",
                f"is a {sent}, but the first value of this attribute was a {declared}; send that, or use another name",
                "ATTRIBUTE_TYPE_CHANGED",
            )
    return None


class UserPlan:
    """Decides what a batch changes, element by element, on what is stored and on what the batch changed before."""

    def __init__(self, known: dict[str, KnownUser], types: dict[str, str], arrival_micros: int) -> None:
        """`known` has the users of the batch of whom something is stored, `types` those of all attributes.

        `arrival_micros` is the time of the batch's first element, for updates without one.
        """
        self._known = known
        self._types = types
        self._arrival_micros = arrival_micros
        self.changed: dict[str, KnownUser] = {}
        self.new_types: dict[str, str] = {}

    def upsert(self, place: int, key: str, update: pb.UserUpdate) -> pb.UserResult:
        """Takes element `place` of the batch in; `key` is the visitor's, aliases resolved."""
        user = update.user
        if fault := user_update_fault(update, self._arrival_micros):
            return _rejected(place, fault)
        micros = to_micros(user.update_time) if user.HasField("update_time") else self._arrival_micros + place
        before = self._known.get(key)
        known = _apply(before, user, list(update.update_mask.paths), micros)
        if known is None:
            return pb.UserResult(status=pb.USER_STATUS_OUTDATED)
        types = self._types | self.new_types
        if fault := known_user_fault(known.message, types):
            return _rejected(place, fault)
        known.message.visitor.CopyFrom(visitor_from_key(key))
        known.message.update_time.CopyFrom(from_micros(known.newest_micros))
        self._declare(known.message, types)
        self._known[key] = self.changed[key] = known
        if before is None:
            return pb.UserResult(status=pb.USER_STATUS_CREATED)
        return pb.UserResult(
            status=pb.USER_STATUS_UNCHANGED if is_same(before.message, known.message) else pb.USER_STATUS_UPDATED
        )

    def _declare(self, user: User, types: dict[str, str]) -> None:
        for name, value in user.attributes.items():
            if name not in types and (kind := value.WhichOneof("value")):
                self.new_types[name] = kind


def is_same(before: User, after: User) -> bool:
    """Returns whether two versions say the same, whatever their update times."""
    return before.attributes == after.attributes and before.consent == after.consent


def _apply(before: KnownUser | None, user: User, paths: list[str], micros: int) -> KnownUser | None:
    if paths:
        if before is not None:
            return apply_fields(before, user, paths, micros)
        known = apply_fields(VersionedRecord(User(), micros - 1), user, paths, micros)
        return None if known is None else VersionedRecord(known.message, micros)
    known = apply_update(before, user, micros)
    if known is not None and before is not None and known.message.consent == CONSENT_UNSPECIFIED:
        copy_field(before.message, known.message, "consent")  # not in the update: what is stored holds
    return known


def _rejected(place: int, fault: FieldViolation) -> pb.UserResult:
    return pb.UserResult(
        status=pb.USER_STATUS_REJECTED,
        reason=fault.reason,
        field=f"updates[{place}].{fault.field}",
        description=fault.description,
    )


def join_records(key: str, records: Mapping[str, KnownUser]) -> KnownUser | None:
    """Returns what is known of a user, by key, from the records of the user and of merged visitors; None: nothing.

    The user's own record holds; attributes that only a visitor had join it, those of the visitor who was updated
    last; and the strictest consent holds.
    """
    own = records.get(key)
    others = sorted(
        (known for visitor, known in records.items() if visitor != key),
        key=lambda known: known.newest_micros,
        reverse=True,
    )
    if not others:
        return own
    ordered = [own, *others] if own is not None else others
    message = User()
    message.CopyFrom(ordered[0].message)
    message.visitor.Clear()
    message.visitor.user_id = key.removeprefix("u:")
    for known in ordered[1:]:
        for name in known.message.attributes:
            if name not in message.attributes:
                copy_field(known.message, message, f"attributes.{name}")
    consents = [known.message.consent for known in ordered]
    if any(consent != CONSENT_UNSPECIFIED for consent in consents):
        message.consent = stricter(*consents)
    return VersionedRecord(message, ordered[0].micros, ordered[0].field_times)
