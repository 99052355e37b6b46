import os
import platform
import shutil
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Verdict(StrEnum):
    """What a check came to."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    Args:
        check: what was looked at.
        verdict: what it came to.
        text: what was seen.
        remedy: what to do about it; empty where all is well.
    """

    check: str
    verdict: Verdict
    text: str
    remedy: str = ""


OLDEST_PYTHON, NEWEST_PYTHON = (3, 11), (3, 13)
LEAST_FREE_BYTES = 2 * 2**30
LEAST_MEMORY_BYTES = 4 * 2**30


def check_machine(state_directory: Path) -> list[Finding]:
    """Whether this machine can run a shop: Python, memory, disk, and a state directory that can be written."""
    return [_python(), _memory(), _state_directory(state_directory), _disk(state_directory)]


def _python() -> Finding:
    version = platform.python_version()
    if OLDEST_PYTHON <= sys.version_info[:2] <= NEWEST_PYTHON:
        return Finding("python", Verdict.OK, version)
    return Finding(
        "python",
        Verdict.WARNING,
        version,
        "Vitrine is tested on Python 3.11 to 3.13: run `make setup` with one of them",
    )


def _memory() -> Finding:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    text = f"{total / 2**30:.1f} GiB"
    if total >= LEAST_MEMORY_BYTES:
        return Finding("memory", Verdict.OK, text)
    return Finding("memory", Verdict.WARNING, text, "the six processes and a training want 4 GiB or more")


def _state_directory(directory: Path) -> Finding:
    there = _nearest_existing(directory)
    if os.access(there, os.W_OK | os.X_OK):
        return Finding("state directory", Verdict.OK, str(directory.resolve()))
    return Finding(
        "state directory",
        Verdict.FAULT,
        f"{there} cannot be written",
        "give this user the right to write there, or name another folder: VITRINE_STATE_DIRECTORY",
    )


def _disk(directory: Path) -> Finding:
    free = shutil.disk_usage(_nearest_existing(directory)).free
    text = f"{free / 2**30:.1f} GiB free"
    if free >= LEAST_FREE_BYTES:
        return Finding("disk", Verdict.OK, text)
    return Finding("disk", Verdict.WARNING, text, "stores, models and logs want 2 GiB or more: make room")


def _nearest_existing(directory: Path) -> Path:
    directory = directory.resolve()
    return directory if directory.exists() else _nearest_existing(directory.parent)
