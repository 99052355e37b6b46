import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cli.errors import CommandError
from cli.launcher.launcher import Launcher
from cli.launcher.ports import any_free_port
from cli.launcher.process import PROCESSES
from cli.launcher.run_record import RunRecord

pytestmark = pytest.mark.slow  # services in processes of their own, and kills

SECONDS = 30.0

# Starts two services and waits to be killed.
STARTER = """
import os, sys, time
from pathlib import Path
from cli.launcher.launcher import Launcher
launcher = Launcher(Path(sys.argv[1]), os.environ, exit_with_parent=True)
started = launcher.start(["events", "homepage"])
if sys.argv[2] == "serving":
    list(launcher.wait_until_serving(started, timeout_seconds=30))
print("started", flush=True)
time.sleep(60)
"""


@pytest.fixture
def environment() -> dict[str, str]:
    """Ports that nobody else uses."""
    return {**os.environ, **{process.port_variable: str(any_free_port()) for process in PROCESSES}}


def wait_until_gone(records: list[RunRecord]) -> None:
    give_up = time.monotonic() + SECONDS
    while alive := [record.name for record in records if record.alive]:
        assert time.monotonic() < give_up, alive
        time.sleep(0.05)


@pytest.mark.parametrize("moment", ["serving", "starting"])
def test_services_end_with_a_launcher_that_was_killed(tmp_path: Path, environment: dict[str, str], moment: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STARTER, str(tmp_path), moment], env=environment, stdout=subprocess.PIPE
    ) as starter:
        try:
            assert starter.stdout
            assert starter.stdout.readline() == b"started\n"
            records = [RunRecord.read(tmp_path / "run", name) for name in ("events", "homepage")]
        finally:
            starter.send_signal(signal.SIGKILL)
            starter.wait(10)
    wait_until_gone([record for record in records if record is not None])
    assert all(records)


def test_a_killed_service_comes_back_where_the_others_look_for_it(tmp_path: Path, environment: dict[str, str]) -> None:
    launcher = Launcher(tmp_path, environment, exit_with_parent=True)
    try:
        started = launcher.start(["events", "homepage"])
        assert {record.name for record in launcher.wait_until_serving(started, timeout_seconds=SECONDS)} == {
            "events",
            "homepage",
        }
        assert launcher.start(["events", "homepage"]) == []
        killed = launcher.records()["events"]
        os.kill(killed.pid, signal.SIGKILL)
        wait_until_gone([killed])
        assert {state.name: state.health for state in launcher.states()}["events"] == "DOWN"
        [again] = launcher.start(["events", "homepage"])
        assert (again.name, again.port) == ("events", killed.port)
        assert list(launcher.wait_until_serving([again], timeout_seconds=SECONDS)) == [again]
        assert launcher.stop(["events"]) == ["events"]
        assert set(launcher.records()) == {"homepage"}
    finally:
        launcher.stop()
    assert launcher.records() == {}


def test_a_service_that_cannot_start_shows_the_end_of_its_log(tmp_path: Path, environment: dict[str, str]) -> None:
    launcher = Launcher(tmp_path, environment | {"VITRINE_EVENTS_PARTITIONS": "none"}, exit_with_parent=True)
    started = launcher.start(["events"])
    with pytest.raises(CommandError, match="VITRINE_EVENTS_PARTITIONS"):
        list(launcher.wait_until_serving(started, timeout_seconds=SECONDS))
    assert launcher.stop() == []
