import json
import socket
from collections.abc import Mapping
from pathlib import Path

from cli.errors import CommandError, ExitCode
from cli.launcher.process import PROCESSES, ProcessSpecification
from services.common.atomic_files import write_atomically

PLAN_FILE = "ports.json"


def plan_ports(
    run_directory: Path, running: Mapping[str, int], environment: Mapping[str, str], *, any_free: bool
) -> dict[str, int]:
    """A port for every process of the shop, those included that are not started now: each is told all addresses when
    it starts. The plan is kept in `ports.json`, so that a process that is started again is where the others look for
    it.

    Args:
        run_directory: where the plan is kept.
        running: ports of the processes that run.
        environment: what may set ports.
        any_free: take any free port where the usual one is taken.

    Raises:
        CommandError: a port isn't a number or is taken.
    """
    last = planned_ports(run_directory)
    plan = dict(running)
    for process in PROCESSES:
        if process.name not in plan:
            said = _said(process, environment)
            port = said or last.get(process.name, process.port)
            # Once some processes run they were told the plan: it stands.
            plan[process.name] = _checked(process, port, any_free=any_free and not said and not running)
    write_atomically(run_directory / PLAN_FILE, json.dumps(plan).encode())
    return plan


def planned_ports(run_directory: Path) -> dict[str, int]:
    """The plan that was made last, by process; empty: none was."""
    try:
        plan = json.loads((run_directory / PLAN_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(name): port for name, port in plan.items() if isinstance(port, int)} if isinstance(plan, dict) else {}


def is_free(port: int) -> bool:
    """Whether a server could listen there."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As gRPC's own listener does: a port in TIME_WAIT after a restart is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def any_free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _checked(process: ProcessSpecification, port: int, *, any_free: bool) -> int:
    if is_free(port):
        return port
    if any_free:
        return any_free_port()
    raise CommandError(
        f"port {port}, where {process.name} is to listen, is taken by another program: "
        f"stop that one, set {process.port_variable}, or let `vitrine up --free-ports` choose when nothing runs yet"
    )


def _said(process: ProcessSpecification, environment: Mapping[str, str]) -> int | None:
    said = environment.get(process.port_variable, "")
    if not said:
        return None
    if not (said.isascii() and said.isdigit() and 0 < int(said) < 65536):
        raise CommandError(
            f"{process.port_variable}={said!r} isn't a port: set it to a number from 1 to 65535", ExitCode.USAGE
        )
    return int(said)
