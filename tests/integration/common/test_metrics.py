import asyncio
import socket
import urllib.request

import grpc
import pytest

from services.common.channels import open_channel
from services.common.server import running
from tests.support.probe_client import call, failure, follow
from tests.support.probe_service import PROBE_SERVICE, ProbeApplication, ProbeSettings


async def scrape(port: int) -> dict[str, float]:
    def read() -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            return str(answer.read().decode())

    lines = (await asyncio.to_thread(read)).splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))}


async def test_calls_are_counted_by_method_and_code(settings: ProbeSettings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = int(listener.getsockname()[1])
    application = ProbeApplication()
    async with running(settings.model_copy(update={"metrics_port": port}), application) as server:
        before = await scrape(port)
        async with open_channel(server.address) as channel:
            await call(channel, "Echo", "a")
            await failure(channel, "Fail", "not found")
            await failure(channel, "Fail", "bug")
            assert len([m async for m in follow(channel, "Count", "3")]) == 3
            with pytest.raises(grpc.aio.AioRpcError):
                await call(channel, "Sleep", "30", seconds=0.05)
            await asyncio.wait_for(application.canceled.wait(), 5)
            waiting = asyncio.create_task(call(channel, "Sleep", "0.3"))
            application.in_call.clear()
            await application.in_call.wait()
            during = await scrape(port)
            await waiting
        after = await scrape(port)

    def counted(method: str, code: str) -> float:
        name = f'vitrine_probe_call_seconds_count{{code="{code}",method="/{PROBE_SERVICE}/{method}"}}'
        return after.get(name, 0) - before.get(name, 0)

    assert counted("Echo", "OK") == 1
    assert counted("Fail", "NOT_FOUND") == 1
    assert counted("Fail", "INTERNAL") == 1
    assert counted("Count", "OK") == 1
    assert counted("Sleep", "CANCELLED") == 1
    messages = f'vitrine_probe_stream_messages_total{{method="/{PROBE_SERVICE}/Count"}}'
    assert after[messages] - before.get(messages, 0) == 3
    open_calls = f'vitrine_probe_open_calls{{method="/{PROBE_SERVICE}/Sleep"}}'
    assert during[open_calls] == 1
    assert after[open_calls] == 0
    assert after["process_resident_memory_bytes"] > 0
