"""Maps between canonical status numbers (the same as TensorFlow's `error::Code`) and this project's errors."""

from typing import ClassVar, Final

import grpc

from services.common import errors


class DataLossError(errors.VitrineError):
    """A model's files are broken."""

    code: ClassVar[grpc.StatusCode] = grpc.StatusCode.DATA_LOSS
    default_reason: ClassVar[str] = "DATA_LOSS"


_BY_NUMBER: Final[dict[int, type[errors.VitrineError]]] = {
    kind.code.value[0]: kind
    for kind in (
        errors.CancelledError,
        errors.InvalidArgumentError,
        errors.DeadlineExceededError,
        errors.NotFoundError,
        errors.AlreadyExistsError,
        errors.PermissionDeniedError,
        errors.ResourceExhaustedError,
        errors.FailedPreconditionError,
        errors.AbortedError,
        errors.OutOfRangeError,
        errors.UnimplementedError,
        errors.UnavailableError,
        DataLossError,
    )
}


def error_of(number: int, message: str) -> errors.VitrineError:
    """Returns the error of a status number; INTERNAL for an unknown number."""
    return _BY_NUMBER.get(number, errors.InternalError)(message)


def number_of(error: BaseException) -> int:
    """Returns the status number of an error; UNKNOWN (2) if it has none."""
    number: int = error.code.value[0] if isinstance(error, errors.VitrineError) else grpc.StatusCode.UNKNOWN.value[0]
    return number
