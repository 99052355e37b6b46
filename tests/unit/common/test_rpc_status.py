import grpc
import pytest
from google.rpc import error_details_pb2

from services.common import errors
from services.common.errors import FieldViolation, VitrineError
from services.common.rpc_status import MAX_DETAILS_BYTES, from_rpc_error, shortened, to_rpc_status


def as_rpc_error(error: VitrineError) -> grpc.aio.AioRpcError:
    """What a client gets where a server answers `error`."""
    status = to_rpc_status(error)
    trailers = grpc.aio.Metadata(("grpc-status-details-bin", status.SerializeToString()))
    return grpc.aio.AioRpcError(error.code, grpc.aio.Metadata(), trailers, status.message)


def kinds() -> list[type[VitrineError]]:
    return [kind for kind in VitrineError.__subclasses__() if kind is not errors.InternalError]


@pytest.mark.parametrize("kind", kinds())
def test_every_error_survives_the_wire(kind: type[VitrineError]) -> None:
    sent = kind(
        "what to do", reason="SOME_REASON", violations=[FieldViolation("a.b", "is bad", "BAD")], metadata={"k": "v"}
    )
    received = from_rpc_error(as_rpc_error(sent))

    assert type(received) is kind
    assert (received.message, received.reason) == (sent.message, sent.reason)
    assert (received.violations, received.metadata) == (sent.violations, sent.metadata)


@pytest.mark.parametrize("kind", kinds())
def test_every_error_has_a_code_of_its_own_and_a_reason(kind: type[VitrineError]) -> None:
    assert [other for other in kinds() if other.code is kind.code] == [kind]
    assert kind("x").reason == kind.default_reason == kind.code.name


def test_every_status_has_error_info() -> None:
    status = to_rpc_status(errors.NotFoundError("no such item"))
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    assert (info.domain, info.reason) == ("vitrine", "NOT_FOUND")


@pytest.mark.parametrize("description", ["x" * 10, "x" * 10_000, "ü" * 10_000])
@pytest.mark.parametrize("count", [1, 7, 1000])
def test_details_fit_into_trailers_whatever_is_wrong(count: int, description: str) -> None:
    violations = [FieldViolation(f"events[{n}]." + "f" * 300, description, "R") for n in range(count)]
    error = errors.InvalidArgumentError(
        description * 3, violations=violations, metadata={f"k{n}": description for n in range(20)}
    )
    status = to_rpc_status(error)

    assert status.ByteSize() <= MAX_DETAILS_BYTES
    info = error_details_pb2.ErrorInfo()
    status.details[0].Unpack(info)
    bad_request = error_details_pb2.BadRequest()
    for detail in status.details[1:]:
        detail.Unpack(bad_request)
    kept = len(bad_request.field_violations)
    assert kept + int(info.metadata.get("violations_left_out", "0")) == count


def test_text_that_is_no_utf8_is_still_sent() -> None:
    status = to_rpc_status(errors.InvalidArgumentError("half a pair: \ud800"))
    assert status.message == "half a pair: ?"


def test_a_failure_without_details_keeps_code_and_message() -> None:
    error = from_rpc_error(
        grpc.aio.AioRpcError(
            grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), grpc.aio.Metadata(), "connection refused"
        )
    )
    assert isinstance(error, errors.UnavailableError)
    assert (error.message, error.reason) == ("connection refused", "UNAVAILABLE")


def test_a_failure_with_broken_details_keeps_code_and_message() -> None:
    trailers = grpc.aio.Metadata(("grpc-status-details-bin", b"\xff\xff"))
    error = from_rpc_error(grpc.aio.AioRpcError(grpc.StatusCode.NOT_FOUND, grpc.aio.Metadata(), trailers, "gone"))
    assert isinstance(error, errors.NotFoundError)
    assert error.message == "gone"


@pytest.mark.parametrize("code", [grpc.StatusCode.UNKNOWN, grpc.StatusCode.DATA_LOSS, grpc.StatusCode.INTERNAL])
def test_codes_that_nobody_can_act_on_are_internal(code: grpc.StatusCode) -> None:
    error = from_rpc_error(grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(), ""))
    assert type(error) is errors.InternalError
    assert error.message == code.value[1]


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [("short", 5, "short"), ("longer", 5, "lo…"), ("äöü", 6, "äöü"), ("äöüß", 6, "ä…"), ("🛍🛍", 7, "🛍…")],
)
def test_text_is_cut_at_a_character(text: str, limit: int, expected: str) -> None:
    assert shortened(text, limit) == expected
