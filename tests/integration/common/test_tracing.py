"""A trace goes through a service and the calls that it makes, to an OpenTelemetry collector."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.wrappers_pb2 import StringValue

from services.common.channels import open_channel
from tests.support.fake_collector import FakeCollector, serving_collector
from tests.support.probe_process import log_line, started
from tests.support.probe_service import PROBE_SERVICE

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
CALLER = ("traceparent", f"00-{TRACE_ID}-b7ad6b7169203331-01")


@pytest.fixture
async def collector() -> AsyncIterator[tuple[FakeCollector, str]]:
    async with serving_collector() as served:
        yield served


async def test_one_trace_holds_the_callers_span_the_servers_and_the_onward_calls(
    tmp_path: Path, collector: tuple[FakeCollector, str]
) -> None:
    fake, endpoint = collector
    async with started(tmp_path, VITRINE_OTLP_ENDPOINT=endpoint) as process:
        address = (await log_line(process, "serving"))["address"]
        async with open_channel(address) as channel:
            relay: Any = channel.unary_unary(
                f"/{PROBE_SERVICE}/Relay", StringValue.SerializeToString, StringValue.FromString
            )
            await relay(StringValue(value=address), metadata=[CALLER], timeout=10)
            fail: Any = channel.unary_unary(
                f"/{PROBE_SERVICE}/Fail", StringValue.SerializeToString, StringValue.FromString
            )
            with pytest.raises(grpc.aio.AioRpcError):
                await fail(StringValue(value="bug"), metadata=[CALLER], timeout=10)
        failed = await log_line(process, "call failed")
        process.terminate()
        assert await process.wait() == 0  # the spans that still wait are sent before the end

    traced = [span for span in fake.spans if span.trace_id.hex() == TRACE_ID]
    kinds = {(span.name.rsplit("/", 1)[-1], span.kind) for span in traced}
    server, client = 2, 3
    assert kinds == {("Relay", server), ("Echo", client), ("Echo", server), ("Fail", server)}
    assert fake.services == {"probe"}
    assert failed["trace_id"] == TRACE_ID
    assert not [span for span in fake.spans if "grpc.health" in span.name]
