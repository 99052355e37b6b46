from collections.abc import Mapping

from services.common.errors import FieldViolation
from services.common.validation import Violations
from services.common.visitors import check_visitor
from services.features.store.attributes import attributes_fault
from services.features.store.knowledge import is_path
from services.features.store.times import word_time_fault
from vitrine.common.v1.visitor_pb2 import Consent
from vitrine.features.v1.user_pb2 import User
from vitrine.features.v1.user_service_pb2 import UserUpdate

MAPS = frozenset({"attributes"})
FIXED_FIELDS = frozenset({"visitor", "update_time"})


def user_update_fault(update: UserUpdate, now_micros: int) -> FieldViolation | None:
    """Returns what makes a word on a user unfit, whatever is known of the user, or None."""
    user = update.user
    violations = Violations("user.")
    if not check_visitor(violations, user.visitor):
        return violations.found[0]
    if user.HasField("update_time") and (fault := word_time_fault("user.update_time", user.update_time, now_micros)):
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
