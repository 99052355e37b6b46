"""The kit as it is used: a process that is started, signaled and waited for."""

import asyncio
import json
import os
import signal
import socket
import sys
from pathlib import Path

import pytest

from services.common.channels import open_channel
from tests.support.probe_client import call, failure
from tests.support.probe_process import COMMAND, log_line, output_of, started


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


async def test_the_log_is_json_and_holds_the_log_id_of_a_bug_but_no_request(tmp_path: Path) -> None:
    async with started(tmp_path) as process:
        serving = await log_line(process, "serving")
        assert {"time", "level", "service", "logger"} <= serving.keys()
        assert serving["service"] == "probe"
        async with open_channel(serving["address"]) as channel:
            error = await failure(channel, "Fail", "bug")
        failed = await log_line(process, "call failed")
        assert failed["log_id"] == error.metadata["log_id"]
        assert failed["level"] == "error"
        assert failed["exception"][0]["exc_type"] == "KeyError"
        assert "locals" not in json.dumps(failed)


async def test_a_taken_port_ends_the_process_with_what_to_do(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        async with started(tmp_path, VITRINE_PROBE_PORT=str(port)) as process:
            line = await log_line(process, "cannot serve")
            assert await process.wait() == 1
    assert line["reason"] == "PORT_TAKEN"
    assert "VITRINE_PROBE_PORT" in line["error"]


async def test_wrong_settings_are_named_each_and_the_exit_code_is_2(tmp_path: Path) -> None:
    wrong = {
        "VITRINE_PROBE_PORT": "tcp://10.0.0.7:50051",
        "VITRINE_PROBE_GRACE_SECONDS": "soon",
        "VITRINE_SIGNING_KEY": "too-short-secret",
    }
    async with started(tmp_path, **wrong) as process:
        output = await output_of(process)
        assert process.returncode == 2
    for variable in ("VITRINE_PROBE_PORT", "VITRINE_PROBE_GRACE_SECONDS", "VITRINE_PROBE_SIGNING_KEY"):
        assert variable in output
    assert "enableServiceLinks" in output
    assert "too-short-secret" not in output
    assert "Traceback" not in output


async def test_help_lists_every_setting(tmp_path: Path) -> None:
    async with started(tmp_path, "--help") as process:
        output = await output_of(process)
        assert process.returncode == 0
    for variable in (
        "VITRINE_PROBE_PORT",
        "VITRINE_PROBE_METRICS_PORT",
        "VITRINE_STATE_DIRECTORY",
        "--exit-with-parent",
    ):
        assert variable in output


async def test_a_misspelt_variable_is_pointed_out(tmp_path: Path) -> None:
    async with started(tmp_path, VITRINE_PROBE_GRACE_SECOND="3") as process:
        line = await log_line(process, "unknown setting")
    assert line["variable"] == "VITRINE_PROBE_GRACE_SECOND"
    assert line["did_you_mean"] == "VITRINE_PROBE_GRACE_SECONDS"


async def test_a_service_computes_matrix_products_on_one_thread(tmp_path: Path) -> None:
    async with started(tmp_path, OPENBLAS_NUM_THREADS="2") as process:
        address = (await log_line(process, "serving"))["address"]
        async with open_channel(address) as channel:
            assert set((await call(channel, "BlasThreads")).split()) == {"1"}


PARENT = f"""
import subprocess, sys, os
child = subprocess.Popen([{COMMAND[0]!r}, "-m", {COMMAND[2]!r}, "--exit-with-parent", str(os.getpid())],
                         stderr=sys.stderr)
child.wait()
"""


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
