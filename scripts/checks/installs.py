"""Installs each service and job from the lock file, with its own extra alone, and shows that it works:
`make test-install`.

Prints `figure install.<name> … MiB`, what lies in the environment's site-packages, and fails if that is above its
limit. The services, each in its own environment, then make one shop, and the command line, in its own too, gives it
items and events and asks it for a page.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from cli.launcher.health import health_of
from cli.launcher.ports import any_free_port
from cli.launcher.process import PROCESSES
from scripts.checks.tree import ROOT, report

FOLDER: Final = ROOT / "build" / "install"
LIMITS: Final[Mapping[str, int | None]] = {
    "events": 300,
    "features": 300,
    "candidates": 600,
    "ranker": 450,
    "homepage": 250,
    "modelserver": None,
    "training": None,
    "cli": None,
}
"""The extras, and the most MiB that their environments may take; TensorFlow takes what it takes."""
START_SECONDS: Final = 120.0
END_SECONDS: Final = 20.0
JOBS: Final = {"training": "services.ranker.training.job"}
"""What no server shows: modules that a job's environment has to be able to import."""

ITEMS: Final = "item_id,title,category,price,currency\n" + "".join(
    f"item-{number},Item {number},Shelf {number % 3},{number}.50,EUR\n" for number in range(1, 41)
)


def main() -> int:
    """Installs, measures and starts everything; returns the exit code."""
    findings = []
    for name, limit in LIMITS.items():
        install(name)
        size = site_packages_mebibytes(FOLDER / name)
        print(f"figure install.{name} {size:.0f} MiB", flush=True)
        if limit is not None and size > limit:
            findings.append(f"install.{name}: {size:.0f} MiB, at most {limit}")
    for name, module in JOBS.items():
        run(name, "-c", f"import {module}")
    with tempfile.TemporaryDirectory() as state, running_shop(Path(state)) as environment:
        (Path(state) / "items.csv").write_text(ITEMS)
        vitrine = ("-m", "cli.main", "--state-directory", state)
        run("cli", *vitrine, "import", "--items", f"{state}/items.csv", "--wait", environment=environment)
        run("cli", *vitrine, "event", "view", "--user", "1", "--item", "item-1", environment=environment)
        page = run("cli", *vitrine, "page", "--user", "1", environment=environment)
        print(page, flush=True)
        if "step: linear" not in page:  # there is no model, but all that scores without one
            findings.append("the shop's page stands on a lower step than it should")
    return report("installs", findings, f"{len(LIMITS)} environments, each as large as it may be and able to work")


def install(name: str) -> None:
    """Makes the environment of one extra, without the tools that developers use."""
    command = ["uv", "sync", "--quiet", "--frozen", "--no-dev", "--extra", name, "--python", sys.executable]
    environment = {
        **os.environ,
        "UV_PROJECT_ENVIRONMENT": str(FOLDER / name),
        "PATH": f"{os.environ['PATH']}{os.pathsep}{ROOT / '.uv' / 'bin'}",
    }
    environment.pop("VIRTUAL_ENV", None)
    subprocess.run(command, cwd=ROOT, check=True, env=environment)


def site_packages_mebibytes(environment: Path) -> float:
    """Returns the size of what is installed there, without the bytecode that a first start adds."""
    [packages] = environment.glob("lib/python*/site-packages")
    return sum(path.lstat().st_size for path in packages.rglob("*") if path.is_file() and path.suffix != ".pyc") / 2**20


@contextmanager
def running_shop(state: Path) -> Iterator[dict[str, str]]:
    """Starts every service in its environment and waits until each is SERVING. Yields the environment that names
    their addresses.

    Raises:
        RuntimeError: one ended or wasn't ready in time; the message holds its output.
    """
    addresses = {process.name: f"127.0.0.1:{any_free_port()}" for process in PROCESSES}
    environment = {
        **os.environ,
        **{process.address_variable: addresses[process.name] for process in PROCESSES},
        **{process.port_variable: addresses[process.name].rpartition(":")[2] for process in PROCESSES},
        "VITRINE_STATE_DIRECTORY": str(state),
    }
    with ExitStack() as stack:
        started = {
            process.name: stack.enter_context(running(process.name, process.module, state, environment))
            for process in PROCESSES
        }
        for name, process in started.items():
            wait_until_serving(name, process, addresses[name], state / f"{name}.log")
        yield environment


@contextmanager
def running(name: str, module: str, state: Path, environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """One service in its environment, asked to end at the end."""
    with (state / f"{name}.log").open("wb") as log:
        process = subprocess.Popen([python_of(name), "-m", module], cwd=state, env=environment, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until_serving(name: str, process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    """Returns as soon as the service reports SERVING. Raises RuntimeError if it ends, or takes too long."""
    begin = time.monotonic()
    while (health := health_of(address)) != "SERVING":
        if process.poll() is not None or time.monotonic() - begin > START_SECONDS:
            raise RuntimeError(f"{name} is {health} in an environment with its extra alone:\n{log.read_text()[-4000:]}")
        time.sleep(0.1)
    print(f"{name}: SERVING", flush=True)


def run(name: str, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
    """Runs Python with these arguments in the environment of an extra; returns what it prints."""
    command = [str(python_of(name)), *arguments]
    return subprocess.run(command, check=True, env=environment, stdout=subprocess.PIPE, text=True).stdout


def python_of(name: str) -> Path:
    """Returns the interpreter of an extra's environment."""
    return FOLDER / name / "bin" / "python"


if __name__ == "__main__":
    sys.exit(main())
