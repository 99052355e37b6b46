from collections.abc import Sequence

from cli.errors import CommandError
from cli.exit_codes import ExitCode
from cli.launcher.process import PROCESSES


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
