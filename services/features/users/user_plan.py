from services.common.errors import FieldViolation
from services.common.visitors import visitor_from_key
from services.features.store.knowledge import Knowledge, copy_field, learn_fields, learn_whole
from services.features.store.times import from_micros, to_micros
from services.features.users.user_fault import known_user_fault, user_update_fault
from vitrine.common.v1.visitor_pb2 import CONSENT_UNSPECIFIED
from vitrine.features.v1 import user_service_pb2 as pb
from vitrine.features.v1.user_pb2 import User

KnownUser = Knowledge[User]


class UserPlan:
    """Decides what a batch changes, element by element, on what is stored and on what the batch changed before."""

    def __init__(self, known: dict[str, KnownUser], types: dict[str, str], arrival_micros: int) -> None:
        """`known` has the users of the batch of whom something is stored, `types` those of all attributes.

        `arrival_micros` is the time of the batch's first element, for words that come without one.
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
        known = _learn(before, user, list(update.update_mask.paths), micros)
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
            status=pb.USER_STATUS_UNCHANGED if same_word(before.message, known.message) else pb.USER_STATUS_UPDATED
        )

    def _declare(self, user: User, types: dict[str, str]) -> None:
        for name, value in user.attributes.items():
            if name not in types and (kind := value.WhichOneof("value")):
                self.new_types[name] = kind


def same_word(before: User, after: User) -> bool:
    """Returns whether two words say the same, whenever they were said."""
    return before.attributes == after.attributes and before.consent == after.consent


def _learn(before: KnownUser | None, user: User, paths: list[str], micros: int) -> KnownUser | None:
    if paths:
        if before is not None:
            return learn_fields(before, user, paths, micros)
        known = learn_fields(Knowledge(User(), micros - 1), user, paths, micros)
        return None if known is None else Knowledge(known.message, micros)
    known = learn_whole(before, user, micros)
    if known is not None and before is not None and known.message.consent == CONSENT_UNSPECIFIED:
        copy_field(before.message, known.message, "consent")  # nothing is said of it: what is stored holds
    return known


def _rejected(place: int, fault: FieldViolation) -> pb.UserResult:
    return pb.UserResult(
        status=pb.USER_STATUS_REJECTED,
        reason=fault.reason,
        field=f"updates[{place}].{fault.field}",
        description=fault.description,
    )
