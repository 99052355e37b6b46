import logging

import grpc
import pytest
from google.protobuf.wrappers_pb2 import StringValue

from services.common import errors
from services.common.errors import FieldViolation
from services.common.rpc_status import from_rpc_error
from tests.support.probe_client import call, failure, follow
from tests.support.probe_service import PROBE_SERVICE


async def test_an_error_arrives_with_its_code_reason_fields_and_metadata(channel: grpc.aio.Channel) -> None:
    error = await failure(channel, "Fail", "one field")

    assert isinstance(error, errors.InvalidArgumentError)
    assert error.message == "The request is invalid: size is 0; send 1 to 100"
    assert error.reason == "OUT_OF_RANGE"
    assert error.violations == (FieldViolation("size", "is 0; send 1 to 100", "OUT_OF_RANGE"),)
    assert error.metadata == {"limit": "100"}


async def test_an_error_says_its_domain_on_the_wire(channel: grpc.aio.Channel) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(channel, "Fail", "not found")

    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    details = dict(caught.value.trailing_metadata() or ())["grpc-status-details-bin"]
    assert b"vitrine" in details
    assert b"ITEM_NOT_FOUND" in details


async def test_more_violations_than_trailers_hold_arrive_shortened_and_counted(channel: grpc.aio.Channel) -> None:
    error = await failure(channel, "Fail", "thousand fields")

    assert isinstance(error, errors.InvalidArgumentError)
    assert error.violations[0].field == "events[0].item_id"
    assert len(error.violations) + int(error.metadata["violations_left_out"]) == 1000
    assert error.message.endswith("…")


async def test_a_bug_is_internal_with_a_log_id_and_no_trace(
    channel: grpc.aio.Channel, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.ERROR):
        error = await failure(channel, "Fail", "bug")

    assert isinstance(error, errors.InternalError)
    assert error.reason == "INTERNAL"
    log_id = error.metadata["log_id"]
    assert log_id in error.message
    assert "secret" not in error.message
    assert "Traceback" not in error.message
    printed = capsys.readouterr()
    assert log_id in printed.out + printed.err + caplog.text


async def test_an_error_at_the_end_of_a_stream_keeps_what_came_before(channel: grpc.aio.Channel) -> None:
    stream = aiter(follow(channel, "Count", "3 not found"))
    assert [(await anext(stream)).value for _ in range(3)] == ["0", "1", "2"]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await anext(stream)

    assert from_rpc_error(caught.value).reason == "ITEM_NOT_FOUND"


async def test_a_bug_in_a_stream_is_internal(channel: grpc.aio.Channel) -> None:
    stream = aiter(follow(channel, "Count", "0 bug"))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await anext(stream)

    assert from_rpc_error(caught.value).metadata["log_id"]


async def test_what_a_servicer_aborts_with_is_left_alone(channel: grpc.aio.Channel) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(channel, "Abort")

    assert caught.value.code() is grpc.StatusCode.DATA_LOSS
    assert caught.value.details() == "said by the servicer itself"


@pytest.mark.parametrize(
    ("code", "kind", "reason"),
    [
        ("UNAVAILABLE", errors.UnavailableError, "DEPENDENCY_UNAVAILABLE"),
        ("RESOURCE_EXHAUSTED", errors.UnavailableError, "DEPENDENCY_UNAVAILABLE"),
        ("DEADLINE_EXCEEDED", errors.DeadlineExceededError, "DEPENDENCY_DEADLINE_EXCEEDED"),
        ("INVALID_ARGUMENT", errors.InternalError, "INTERNAL"),
        ("NOT_FOUND", errors.InternalError, "INTERNAL"),
    ],
)
async def test_another_services_failure_is_not_blamed_on_the_caller(
    channel: grpc.aio.Channel, code: str, kind: type[errors.VitrineError], reason: str
) -> None:
    error = await failure(channel, "CallOn", code)

    assert type(error) is kind
    assert error.reason == reason
    assert "u-77" not in error.message


async def test_a_method_that_is_not_there_says_so_with_a_reason(channel: grpc.aio.Channel) -> None:
    method = channel.unary_unary(f"/{PROBE_SERVICE}/Nothing", StringValue.SerializeToString, StringValue.FromString)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await method(StringValue(), timeout=5)

    error = from_rpc_error(caught.value)
    assert isinstance(error, errors.UnimplementedError)
    assert error.reason == "METHOD_UNKNOWN"
