import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cli.errors import CommandError
from cli.launcher.health import health_of
from cli.launcher.ports import plan_ports, planned_ports
from cli.launcher.process import PROCESSES, ProcessSpecification
from cli.launcher.run_record import RunRecord, start_seconds_of

POLL_SECONDS = 0.1
LOG_TAIL_LINES = 12


@dataclass(frozen=True, slots=True)
class ProcessState:
    """How one process of the shop stands: `health` is SERVING, NOT_SERVING or DOWN."""

    name: str
    health: str
    record: RunRecord | None


class Launcher:
    """Starts and stops the processes of one shop on this machine. Each is a session of its own, so that a Ctrl-C at the
    terminal reaches the command alone, which then ends them in order.

    Args:
        state_directory: where the shop lives: records under `run/`, output under `logs/`.
        environment: what the processes inherit.
        exit_with_parent: the processes end when the one that started them does, however that ends.
    """

    def __init__(
        self, state_directory: Path, environment: Mapping[str, str], *, exit_with_parent: bool = False
    ) -> None:
        self._state_directory = state_directory.resolve()
        self._environment = environment
        self._exit_with_parent = exit_with_parent
        self._children: list[subprocess.Popen[bytes]] = []

    def records(self) -> dict[str, RunRecord]:
        """The processes that run, by name."""
        self._forget_ended()
        found = (RunRecord.read(self._run_directory, process.name) for process in PROCESSES)
        return {record.name: record for record in found if record is not None and self._runs(record)}

    def ports(self) -> dict[str, int]:
        """Where each process listens or, when it is started again, will."""
        usual = {process.name: process.port for process in PROCESSES}
        return usual | planned_ports(self._run_directory)

    def states(self) -> list[ProcessState]:
        """How each process of the shop stands."""
        running = self.records()
        return [
            ProcessState(
                process.name, health_of(record.address) if (record := running.get(process.name)) else "DOWN", record
            )
            for process in PROCESSES
        ]

    def start(self, names: Iterable[str], *, any_free_port: bool = False) -> list[RunRecord]:
        """Starts those of the named processes that do not run yet, side by side.

        Returns:
            The records of those that were started now.

        Raises:
            CommandError: a port is taken.
        """
        running, named = self.records(), set(names)
        wanted = [process for process in PROCESSES if process.name in named and process.name not in running]
        if not wanted:
            return []
        ports = plan_ports(
            self._run_directory,
            {name: record.port for name, record in running.items()},
            self._environment,
            any_free=any_free_port,
        )
        return [self._spawn(process, ports) for process in wanted]

    def wait_until_serving(self, records: Sequence[RunRecord], *, timeout_seconds: float) -> Iterable[RunRecord]:
        """Yields each process as soon as it reports SERVING.

        Raises:
            CommandError: one ended, or was not ready in time; the message holds the end of its log.
        """
        waiting = list(records)
        give_up = time.monotonic() + timeout_seconds
        while waiting:
            for record in list(waiting):
                if health_of(record.address, timeout_seconds=0.5) == "SERVING":
                    waiting.remove(record)
                    yield record
                elif not self._runs(record):
                    raise CommandError(f"{record.name} ended while it was starting.\n{self._log_tail(record.name)}")
            if waiting and time.monotonic() > give_up:
                late = ", ".join(record.name for record in waiting)
                raise CommandError(
                    f"not ready after {timeout_seconds:.0f} s: {late}.\n{self._log_tail(waiting[0].name)}"
                )
            time.sleep(POLL_SECONDS)

    def stop(self, names: Iterable[str] | None = None, *, grace_seconds: float = 15.0) -> list[str]:
        """Ends processes: asks them to (SIGTERM), and after the grace makes them (SIGKILL).

        Returns:
            The names of those that ran.
        """
        chosen = None if names is None else set(names)
        records = [record for record in self.records().values() if chosen is None or record.name in chosen]
        # From the visitor inwards: nobody is asked for what is gone already.
        records.reverse()
        for record in records:
            _signal(record.pid, signal.SIGTERM)
        give_up = time.monotonic() + grace_seconds
        for record in records:
            while self._runs(record):
                if time.monotonic() > give_up:
                    _signal(record.pid, signal.SIGKILL)
                time.sleep(POLL_SECONDS / 4)
        return [record.name for record in records]

    @property
    def _run_directory(self) -> Path:
        return self._state_directory / "run"

    def log_file(self, name: str) -> Path:
        """Where a process's output goes."""
        return self._state_directory / "logs" / f"{name}.log"

    def _spawn(self, process: ProcessSpecification, ports: Mapping[str, int]) -> RunRecord:
        environment = {
            **self._environment,
            **{other.address_variable: f"127.0.0.1:{ports[other.name]}" for other in PROCESSES},
            process.port_variable: str(ports[process.name]),
            "VITRINE_STATE_DIRECTORY": str(self._state_directory),
        }
        log = self.log_file(process.name)
        log.parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", process.module]
        if self._exit_with_parent:
            # Named, so that a process that starts slowly notices if we are gone by then.
            command += ["--exit-with-parent", str(os.getpid())]
        with log.open("ab") as output:
            child = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._children.append(child)
        record = RunRecord(process.name, child.pid, start_seconds_of(child.pid) or 0.0, ports[process.name])
        record.write(self._run_directory)
        return record

    def _runs(self, record: RunRecord) -> bool:
        # Of a child the kernel tells for certain; by its looks it may be a zombie while some of its threads still end.
        for child in self._children:
            if child.pid == record.pid:
                return child.poll() is None
        return record.alive

    def _forget_ended(self) -> None:
        """Takes note of the children that ended, whoever ended them: until then the kernel keeps them as zombies."""
        self._children = [child for child in self._children if child.poll() is None]

    def _log_tail(self, name: str) -> str:
        log = self.log_file(name)
        try:
            lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_TAIL_LINES:]
        except OSError:
            lines = []
        return "\n".join([f"The end of {log}:", *(f"  {line}" for line in lines)])


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
