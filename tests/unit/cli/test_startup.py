"""What `vitrine` imports before it works, and its list of commands."""

import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from cli.main import COMMANDS, LazyCommands, app

HEAVY = {
    "pandas",
    "tensorflow",
    "keras",
    "sklearn",
    "scipy",
    "matplotlib",
    "pyarrow",
    "sqlalchemy",
    "jinja2",
}


def imported_by(*arguments: str) -> set[str]:
    """The packages in a fresh process after a command."""
    code = f"import sys; sys.argv[1:] = {list(arguments)!r}\nfrom cli.main import run; run(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in done.stdout.splitlines()[-1].split()}


def test_help_imports_no_command() -> None:
    assert not (HEAVY | {"grpc", "numpy", "vitrine", "psutil"}) & imported_by("--help")


@pytest.mark.parametrize("command", ["status", "page", "event", "import", "privacy", "train", "evaluate"])
def test_help_of_a_command_imports_nothing_heavy(command: str) -> None:
    assert not HEAVY & imported_by(command, "--help")


def test_the_demo_starts_without_tensorflow_and_the_evaluation() -> None:
    code = "import sys, demo.__main__; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"tensorflow", "keras", "matplotlib", "sklearn"} & set(done.stdout.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_of_the_list_is_there(name: str) -> None:
    done = CliRunner().invoke(app, [name, "--help"])
    assert done.exit_code == 0
    assert f" {name} " in done.output.splitlines()[0] + done.output.splitlines()[1]


def test_the_list_names_every_command_with_its_line() -> None:
    group = typer.main.get_command(app)
    assert isinstance(group, LazyCommands)
    shown = " ".join(CliRunner().invoke(app, ["--help"]).output.split())
    for name, (_, summary) in COMMANDS.items():
        assert f"{name} {summary}" in shown


def test_an_unknown_command_is_a_usage_error() -> None:
    assert CliRunner().invoke(app, ["bench"]).exit_code == 2
