"""`python -m services.homepage` starts alone, and answers, with every other service away."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import grpc
import pytest

from vitrine.common.v1.visitor_pb2 import Visitor
from vitrine.homepage.v1 import homepage_service_pb2 as homepage
from vitrine.homepage.v1 import page_pb2
from vitrine.homepage.v1.homepage_service_pb2_grpc import HomepageServiceStub

pytestmark = pytest.mark.slow


async def test_the_service_starts_alone_and_still_answers(tmp_path: Path, unused_tcp_port: int) -> None:
    environment = os.environ | {
        "VITRINE_STATE_DIRECTORY": str(tmp_path),
        "VITRINE_HOMEPAGE_PORT": str(unused_tcp_port),
        **{f"VITRINE_{name}_ADDRESS": "127.0.0.1:1" for name in ("EVENTS", "FEATURES", "CANDIDATES", "RANKER")},
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.homepage"), env=environment, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{unused_tcp_port}") as channel:
            async with asyncio.timeout(30):
                await channel.channel_ready()
            request = homepage.GetHomepageRequest(visitor=Visitor(user_id="u"))
            response = await HomepageServiceStub(channel).GetHomepage(request, timeout=5, wait_for_ready=True)
            assert response.page.degradation_step == page_pb2.DEGRADATION_STEP_EMPTY
            assert response.page.page_id
            # A proxy on the same host comes from a loopback address, too.
            request.debug = True
            with pytest.raises(grpc.aio.AioRpcError, match="vitrine up --debug") as refused:
                await HomepageServiceStub(channel).GetHomepage(request, timeout=5)
            assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 20) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
