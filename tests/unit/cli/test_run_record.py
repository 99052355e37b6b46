import os
import subprocess
import sys
from pathlib import Path

from cli.launcher.run_record import RunRecord, start_seconds_of


def test_a_record_comes_back_as_it_was_written(tmp_path: Path) -> None:
    record = RunRecord("events", os.getpid(), start_seconds_of(os.getpid()) or 0, 7101)
    record.write(tmp_path)
    assert RunRecord.read(tmp_path, "events") == record
    assert record.alive
    assert record.resident_bytes > 1_000_000


def test_a_reused_pid_is_another_process(tmp_path: Path) -> None:
    record = RunRecord("events", os.getpid(), (start_seconds_of(os.getpid()) or 0.0) - 1, 7101)
    assert not record.alive


def test_a_process_that_ended_and_a_zombie_are_not_alive() -> None:
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    started = start_seconds_of(child.pid) or 0
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not RunRecord("events", child.pid, started, 1).alive
    child.wait()
    record = RunRecord("events", child.pid, started, 1)
    assert not record.alive
    assert record.resident_bytes == 0


def test_a_missing_or_broken_record_is_none(tmp_path: Path) -> None:
    assert RunRecord.read(tmp_path, "events") is None
    (tmp_path / "events.json").write_text('{"name": "events"}', encoding="utf-8")
    assert RunRecord.read(tmp_path, "events") is None
