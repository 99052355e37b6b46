"""Errors on the wire: `google.rpc.Status` with `ErrorInfo` and `BadRequest` (AIP-193), and back."""

import contextlib
from typing import Final

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from services.common import errors
from services.common.errors import FieldViolation, VitrineError

DOMAIN: Final = "vitrine"
DETAILS_KEY: Final = "grpc-status-details-bin"
# gRPC refuses trailers over 8 KiB; base64 and percent-encoding need their share of it.
MAX_DETAILS_BYTES: Final = 4096
MAX_MESSAGE_BYTES: Final = 768

_BY_CODE: Final[dict[grpc.StatusCode, type[VitrineError]]] = {
    kind.code: kind
    for kind in (
        errors.InvalidArgumentError,
        errors.NotFoundError,
        errors.AlreadyExistsError,
        errors.FailedPreconditionError,
        errors.OutOfRangeError,
        errors.ResourceExhaustedError,
        errors.UnavailableError,
        errors.DeadlineExceededError,
        errors.CancelledError,
        errors.PermissionDeniedError,
        errors.UnauthenticatedError,
        errors.AbortedError,
        errors.UnimplementedError,
    )
}


def to_rpc_status(error: VitrineError) -> status_pb2.Status:
    """Returns the status of `error`, at most `MAX_DETAILS_BYTES` long.

    Violations that do not fit are left out, and `ErrorInfo.metadata["violations_left_out"]` says how many.
    """
    kept = list(error.violations)
    while True:
        status = _status(error, kept)
        excess = status.ByteSize() - MAX_DETAILS_BYTES
        if excess <= 0 or not kept:
            return status
        average = max(1, status.ByteSize() // len(kept))
        del kept[-max(1, excess // average) :]


def from_rpc_error(error: grpc.RpcError) -> VitrineError:
    """Returns what a failed call to another service said, details included, as the matching error."""
    if not isinstance(error, grpc.aio.AioRpcError | grpc.Call):
        return errors.InternalError(str(error))
    code, message = error.code(), error.details() or ""
    status = _details(error)
    info, bad_request = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in status.details:
        # Unpack leaves its argument alone where the detail is of another type.
        detail.Unpack(info)
        detail.Unpack(bad_request)
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED and not info.reason and "larger than max" in message:
        # gRPC's own limit, on either side, knows no remedy.
        message, info.reason = f"{message}; send, or ask for, fewer elements per call", "MESSAGE_TOO_LARGE"
    violations = [FieldViolation(v.field, v.description, v.reason) for v in bad_request.field_violations]
    return _BY_CODE.get(code, errors.InternalError)(
        message or code.value[1], reason=info.reason or None, violations=violations, metadata=dict(info.metadata)
    )


def _status(error: VitrineError, violations: list[FieldViolation]) -> status_pb2.Status:
    message = shortened(error.message, MAX_MESSAGE_BYTES)
    status = status_pb2.Status(code=error.code.value[0], message=message)
    metadata = {name: shortened(value, 256) for name, value in list(error.metadata.items())[:8]}
    if left_out := len(error.violations) - len(violations):
        metadata["violations_left_out"] = str(left_out)
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=metadata))
    if violations:
        fields = [
            error_details_pb2.BadRequest.FieldViolation(
                field=shortened(v.field, 256), description=shortened(v.description, 512), reason=v.reason
            )
            for v in violations
        ]
        status.details.add().Pack(error_details_pb2.BadRequest(field_violations=fields))
    return status


def _details(error: grpc.aio.AioRpcError | grpc.Call) -> status_pb2.Status:
    status = status_pb2.Status()
    for key, value in error.trailing_metadata() or ():
        if key == DETAILS_KEY and isinstance(value, bytes):
            with contextlib.suppress(DecodeError):  # a server that is not ours: its code and message still stand
                status.ParseFromString(value)
    return status


def shortened(text: str, limit: int) -> str:
    """Returns `text` cut to `limit` bytes of UTF-8 at a character's end, "…" in place of what is cut."""
    encoded = text.encode(errors="replace")
    if len(encoded) <= limit:
        return encoded.decode()
    return encoded[: limit - 3].decode(errors="ignore") + "…"
