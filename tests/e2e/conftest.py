import asyncio
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli.checkup.machine import Finding, Verdict
from cli.checkup.services import check_services
from cli.launcher.launcher import Launcher
from cli.launcher.ports import any_free_port
from cli.launcher.process import PROCESSES
from cli.main import run as run_command
from cli.shop import Shop
from tests.support.small_shop import SmallShop, write_small_shop

COMMAND_SECONDS = 400.0
SHORT = {"doctor", "down", "event", "page", "status", "up"}
"""Commands that run in the tests' own process: starting another takes longer than they do."""

DISTURBING = {"down", "rebuild"}
"""Commands after which the shop is to be looked at before the next test."""

RECOVERY_SECONDS = 60.0


@dataclass(slots=True)
class RunningShop:
    """A whole shop in processes of its own, as a user has it."""

    files: SmallShop
    state_directory: Path
    launcher: Launcher
    environment: dict[str, str]
    whole: bool = False
    """Whether it was seen whole since a command that may have changed that."""

    def vitrine(self, *arguments: str, code: int = 0) -> str:
        """Runs a command; returns what it printed. It must end with `code`."""
        done = self.run(*arguments)
        assert done.returncode == code, f"{arguments} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        return done.stdout + (done.stderr if code else "")

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Runs a command, whatever it ends with: here if it's short, else in a process of its own."""
        self.whole = self.whole and arguments[0] not in DISTURBING
        if arguments[0] in SHORT:
            return self._run_here(arguments)
        return self.run_process(*arguments)

    def _run_here(self, arguments: tuple[str, ...]) -> "subprocess.CompletedProcess[str]":
        output, errors, handler = io.StringIO(), io.StringIO(), signal.getsignal(signal.SIGINT)
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(output), redirect_stderr(errors):
            patch.setattr(sys, "argv", ["vitrine", *arguments])
            for name, value in self.environment.items():
                patch.setenv(name, value)
            try:
                code = run_command()
            finally:
                signal.signal(signal.SIGINT, handler)
        return subprocess.CompletedProcess(arguments, code, output.getvalue(), errors.getvalue())

    def run_process(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Runs a command in a process of its own, as a user does."""
        return subprocess.run(
            [sys.executable, "-m", "cli.main", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )

    def up(self) -> None:
        """Starts what does not run, and waits until it serves."""
        started = self.launcher.start(process.name for process in PROCESSES)
        for _ in self.launcher.wait_until_serving(started, timeout_seconds=90):
            pass

    def recover(self) -> None:
        """Brings everything up and waits until pages are whole: services find each other again by themselves."""
        self.up()
        give_up = time.monotonic() + RECOVERY_SECONDS
        while missing := [*self._degradations(), *self._faults()]:
            assert time.monotonic() < give_up, missing
            time.sleep(0.5)
        self.whole = True

    def _degradations(self) -> list[str]:
        page = json.loads(self.vitrine("page", "--json", "--user", self.files.user_ids[0]))["page"]
        return list(page.get("degradation_reasons", ()))

    def _faults(self) -> list[Finding]:
        shop = Shop(self.state_directory, self.environment)
        return [finding for finding in asyncio.run(check_services(shop)) if finding.verdict is not Verdict.OK]


@pytest.fixture(scope="session")
def made_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningShop]:
    """A shop that was started, imported and trained once, by the commands that a user would type."""
    folder = tmp_path_factory.mktemp("shop")
    environment = {
        **os.environ,
        "VITRINE_STATE_DIRECTORY": str(folder / "state"),
        "COLUMNS": "80",
        "VITRINE_HOMEPAGE_DEBUG_ALLOWED": "true",  # as vitrine up --debug does: the evaluation replays
        **{process.port_variable: str(any_free_port()) for process in PROCESSES},
    }
    launcher = Launcher(folder / "state", environment, exit_with_parent=True)
    shop = RunningShop(write_small_shop(folder, datetime.now(UTC)), folder / "state", launcher, environment)
    try:
        shop.up()
        files = shop.files
        shop.vitrine(
            "import", "--items", str(files.items), "--users", str(files.users), "--events", str(files.events), "--wait"
        )
        shop.vitrine("train")
        yield shop
    finally:
        launcher.stop()


@pytest.fixture(scope="module")
def checked_shop(made_shop: RunningShop) -> RunningShop:
    """The shop, looked at once a module."""
    made_shop.recover()
    return made_shop


@pytest.fixture
def shop(checked_shop: RunningShop) -> RunningShop:
    """The shop with every process up, whatever the test before did to it."""
    if not checked_shop.whole:
        checked_shop.recover()
    return checked_shop
