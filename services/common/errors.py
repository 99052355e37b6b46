"""The one exception hierarchy. Every error knows its canonical gRPC code and carries a stable reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import grpc


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One field of a request that is wrong.

    `field` is the path in the request ("events[3].item_id"); `description` says what is wrong and what to send instead;
    `reason` is a stable UPPER_SNAKE name that programs can compare.
    """

    field: str
    description: str
    reason: str = ""


class VitrineError(Exception):
    """An error that a caller may see. Raise a subclass: its `code` is the answer's status.

    `message` is for people and names the remedy; `reason` is for programs and never changes once published;
    `metadata` holds the values in the message, for programs too. None of them may hold a user's id.
    """

    code: ClassVar[grpc.StatusCode] = grpc.StatusCode.INTERNAL
    default_reason: ClassVar[str] = "INTERNAL"

    def __init__(
        self,
        message: str,
        *,
        reason: str | None = None,
        violations: Sequence[FieldViolation] = (),
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason or self.default_reason
        self.violations = tuple(violations)
        self.metadata = dict(metadata or {})


class InvalidArgumentError(VitrineError):
    """The request is invalid, whatever the state of the shop; `violations` name the fields."""

    code = grpc.StatusCode.INVALID_ARGUMENT
    default_reason = "INVALID_ARGUMENT"


def invalid_field(field: str, description: str, reason: str) -> InvalidArgumentError:
    """Returns the error for a single wrong field; `description` continues from its name ("is empty; send …")."""
    return InvalidArgumentError(
        f"{field} {description}", reason=reason, violations=[FieldViolation(field, description, reason)]
    )


class NotFoundError(VitrineError):
    """What the request refers to doesn't exist."""

    code = grpc.StatusCode.NOT_FOUND
    default_reason = "NOT_FOUND"


class AlreadyExistsError(VitrineError):
    """What the request would create already exists."""

    code = grpc.StatusCode.ALREADY_EXISTS
    default_reason = "ALREADY_EXISTS"


class FailedPreconditionError(VitrineError):
    """The state of the shop doesn't allow the request; a retry doesn't help until that state changes."""

    code = grpc.StatusCode.FAILED_PRECONDITION
    default_reason = "FAILED_PRECONDITION"


class OutOfRangeError(VitrineError):
    """The request is out of range, such as an offset beyond the end of a log."""

    code = grpc.StatusCode.OUT_OF_RANGE
    default_reason = "OUT_OF_RANGE"


class ResourceExhaustedError(VitrineError):
    """A limit was reached: message size, quota, queue."""

    code = grpc.StatusCode.RESOURCE_EXHAUSTED
    default_reason = "RESOURCE_EXHAUSTED"


class UnavailableError(VitrineError):
    """The service can't answer now, but the same call may succeed later. Clients retry only this error."""

    code = grpc.StatusCode.UNAVAILABLE
    default_reason = "UNAVAILABLE"


class DeadlineExceededError(VitrineError):
    """The call's deadline passed."""

    code = grpc.StatusCode.DEADLINE_EXCEEDED
    default_reason = "DEADLINE_EXCEEDED"


class CancelledError(VitrineError):
    """The caller canceled the call."""

    code = grpc.StatusCode.CANCELLED
    default_reason = "CANCELLED"


class PermissionDeniedError(VitrineError):
    """The caller is known but not allowed to do this."""

    code = grpc.StatusCode.PERMISSION_DENIED
    default_reason = "PERMISSION_DENIED"


class UnauthenticatedError(VitrineError):
    """The caller is unknown."""

    code = grpc.StatusCode.UNAUTHENTICATED
    default_reason = "UNAUTHENTICATED"


class AbortedError(VitrineError):
    """A conflict with another change; read again, then retry everything."""

    code = grpc.StatusCode.ABORTED
    default_reason = "ABORTED"


class UnimplementedError(VitrineError):
    """The method isn't available in this version or configuration."""

    code = grpc.StatusCode.UNIMPLEMENTED
    default_reason = "UNIMPLEMENTED"


class InternalError(VitrineError):
    """A bug, or broken data. Callers get a log id, never a traceback."""
