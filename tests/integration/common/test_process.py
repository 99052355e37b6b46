"""The kit as it is used: a process that is started, signaled and waited for."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio

from services.common.channels import open_channel
from services.common.entrypoint import run
from tests.support.probe_client import call, failure
from tests.support.probe_process import COMMAND, log_line, started
from tests.support.probe_service import ProbeSettings, build


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_lets_the_call_in_flight_finish_and_the_exit_code_is_0(
    tmp_path: Path, number: signal.Signals
) -> None:
    async with started(tmp_path) as process:
        address = (await log_line(process, "serving"))["address"]
        async with open_channel(address) as channel:
            assert await call(channel, "Echo", "ready") == "ready"
            in_flight = asyncio.create_task(call(channel, "Sleep", "0.5"))
            await asyncio.sleep(0.2)
            process.send_signal(number)
            await log_line(process, "stopping")
            process.send_signal(number)  # the second one, of an impatient person or a launcher, changes nothing
            assert await in_flight == "slept"
        assert await asyncio.wait_for(process.wait(), 10) == 0
        assert (tmp_path / "state" / "mark").read_text() == "stopped"


@dataclass
class Service:
    """A service that serves, with what it logged until then."""

    process: asyncio.subprocess.Process
    channel: grpc.aio.Channel
    log: dict[str, dict[str, Any]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    variables = {"VITRINE_PROBE_GRACE_SECOND": "3", "OPENBLAS_NUM_THREADS": "2"}
    async with started(tmp_path_factory.mktemp("service"), **variables) as process:
        log = {event: await log_line(process, event) for event in ("unknown setting", "serving")}
        async with open_channel(log["serving"]["address"]) as channel:
            yield Service(process, channel, log)


@pytest.mark.asyncio(loop_scope="module")
async def test_the_log_is_json_and_holds_the_log_id_of_a_bug_but_no_request(service: Service) -> None:
    serving = service.log["serving"]
    assert {"time", "level", "service", "logger"} <= serving.keys()
    assert serving["service"] == "probe"
    error = await failure(service.channel, "Fail", "bug")
    failed = await log_line(service.process, "call failed")
    assert failed["log_id"] == error.metadata["log_id"]
    assert failed["level"] == "error"
    assert failed["exception"][0]["exc_type"] == "KeyError"
    assert "locals" not in json.dumps(failed)


@pytest.mark.asyncio(loop_scope="module")
async def test_a_misspelled_variable_is_pointed_out(service: Service) -> None:
    line = service.log["unknown setting"]
    assert line["variable"] == "VITRINE_PROBE_GRACE_SECOND"
    assert line["did_you_mean"] == "VITRINE_PROBE_GRACE_SECONDS"


@pytest.mark.asyncio(loop_scope="module")
async def test_a_service_computes_matrix_products_on_one_thread(service: Service) -> None:
    assert set((await call(service.channel, "BlasThreads")).split()) == {"1"}


async def test_a_taken_port_ends_the_process_with_what_to_do(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        async with started(tmp_path, VITRINE_PROBE_PORT=str(port)) as process:
            line = await log_line(process, "cannot serve")
            assert await process.wait() == 1
    assert line["reason"] == "PORT_TAKEN"
    assert "VITRINE_PROBE_PORT" in line["error"]


def test_wrong_settings_are_named_each_and_the_exit_code_is_2(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VITRINE_PROBE_PORT", "tcp://10.0.0.7:50051")
    monkeypatch.setenv("VITRINE_PROBE_GRACE_SECONDS", "soon")
    monkeypatch.setenv("VITRINE_SIGNING_KEY", "too-short-secret")
    assert run(ProbeSettings, build, []) == 2
    output = "".join(capsys.readouterr())
    for variable in ("VITRINE_PROBE_PORT", "VITRINE_PROBE_GRACE_SECONDS", "VITRINE_PROBE_SIGNING_KEY"):
        assert variable in output
    assert "enableServiceLinks" in output
    assert "too-short-secret" not in output


def test_help_lists_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run(ProbeSettings, build, ["--help"])
    assert ended.value.code == 0
    output = capsys.readouterr().out
    for variable in (
        "VITRINE_PROBE_PORT",
        "VITRINE_PROBE_METRICS_PORT",
        "VITRINE_STATE_DIRECTORY",
        "--exit-with-parent",
    ):
        assert variable in output


PARENT = f"""
import subprocess, sys, os
child = subprocess.Popen([{COMMAND[0]!r}, "-m", {COMMAND[2]!r}, "--exit-with-parent", str(os.getpid())],
                         stderr=sys.stderr)
child.wait()
"""


@pytest.mark.slow
async def test_a_service_goes_with_a_launcher_that_was_killed(tmp_path: Path) -> None:
    launcher = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PARENT,
        stderr=asyncio.subprocess.PIPE,
        env=dict(os.environ) | {"VITRINE_STATE_DIRECTORY": str(tmp_path / "state")},
    )
    await log_line(launcher, "serving")
    launcher.kill()
    await asyncio.wait_for(launcher.communicate(), 10)  # until the service, which inherited the pipe, is gone too
    assert (tmp_path / "state" / "mark").read_text() == "stopped"
