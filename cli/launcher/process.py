from collections.abc import Sequence
from dataclasses import dataclass

from cli.errors import CommandError, ExitCode


@dataclass(frozen=True, slots=True)
class ProcessSpecification:
    """One process of the shop, as the launcher starts it.

    Args:
        name: the word that commands know it by, and the name of its log file.
        module: what `python -m` runs.
        port: where it listens unless `port_variable` says otherwise.
        port_variable: the environment variable that sets the port.
        address_variable: the environment variable by which the others find it.
    """

    name: str
    module: str
    port: int
    port_variable: str
    address_variable: str


def _service(name: str, port: int) -> ProcessSpecification:
    word = name.upper()
    return ProcessSpecification(name, f"services.{name}", port, f"VITRINE_{word}_PORT", f"VITRINE_{word}_ADDRESS")


PROCESSES = (
    ProcessSpecification(
        "modelserver",
        "services.ranker.modelserver",
        8500,
        port_variable="VITRINE_MODELSERVER_PORT",
        address_variable="VITRINE_MODEL_SERVER_ADDRESS",
    ),
    _service("events", 7101),
    _service("features", 7102),
    _service("candidates", 7103),
    _service("ranker", 7104),
    _service("homepage", 7105),
)
"""Every process of a shop, the slowest starter first: they start side by side and find each other when they are up."""


def checked_names(names: Sequence[str] | None) -> list[str] | None:
    """The names that a command was given; None: it was given none, which means all.

    Raises:
        CommandError: a process of that name does not exist.
    """
    known = [process.name for process in PROCESSES]
    for name in names or ():
        if name not in known:
            raise CommandError(f"{name!r} isn't a process; choose from {', '.join(known)}", ExitCode.USAGE)
    return list(names) if names else None
