import socket
from pathlib import Path

import pytest

from cli.errors import CommandError
from cli.launcher.ports import any_free_port, is_free, plan_ports
from cli.launcher.process import PROCESSES


def free_environment() -> dict[str, str]:
    """Ports that nobody else on this machine uses, for every process."""
    return {process.port_variable: str(any_free_port()) for process in PROCESSES}


def test_the_environment_decides_and_the_plan_is_kept(tmp_path: Path) -> None:
    environment = free_environment()
    plan = plan_ports(tmp_path, {}, environment, any_free=False)
    assert plan == {process.name: int(environment[process.port_variable]) for process in PROCESSES}
    assert plan_ports(tmp_path, {}, {}, any_free=False) == plan


def test_a_taken_port_is_an_error_that_names_the_variable(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        environment = free_environment() | {"VITRINE_EVENTS_PORT": str(taken.getsockname()[1])}
        with pytest.raises(CommandError, match="VITRINE_EVENTS_PORT"):
            plan_ports(tmp_path, {}, environment, any_free=True)


def test_another_port_is_taken_only_while_nobody_was_told_the_plan(tmp_path: Path) -> None:
    plan = plan_ports(tmp_path, {}, free_environment(), any_free=False)
    with socket.create_server(("127.0.0.1", plan["events"])):
        assert is_free(plan_ports(tmp_path, {}, {}, any_free=True)["events"])
    running = {name: port for name, port in plan.items() if name != "events"}
    (tmp_path / "ports.json").unlink()
    plan_ports(tmp_path, {}, {f"VITRINE_{name.upper()}_PORT": str(port) for name, port in plan.items()}, any_free=False)
    with socket.create_server(("127.0.0.1", plan["events"])), pytest.raises(CommandError, match="taken"):
        plan_ports(tmp_path, running, {}, any_free=True)


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1", "٣"])
def test_a_port_that_is_none_is_refused(tmp_path: Path, port: str) -> None:
    with pytest.raises(CommandError, match="65535"):
        plan_ports(tmp_path, {}, free_environment() | {"VITRINE_EVENTS_PORT": port}, any_free=False)


def test_a_broken_plan_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "ports.json").write_text("[1", encoding="utf-8")
    environment = free_environment()
    assert plan_ports(tmp_path, {}, environment, any_free=False)["events"] == int(environment["VITRINE_EVENTS_PORT"])
