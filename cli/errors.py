from enum import IntEnum


class ExitCode(IntEnum):
    """What a `vitrine` command's exit code means. Documented in docs/command-line.md; never renumbered."""

    OK = 0
    FAILED = 1
    """The command could not do what it was asked to; the message says why and what to do."""
    USAGE = 2
    """The command line, a setting or an input file's form is wrong."""
    NOT_RUNNING = 3
    """A service that the command needs does not answer."""
    ROWS_REJECTED = 4
    """An import went through, but rows were rejected; the rejects file lists them."""
    NOT_ENOUGH_DATA = 5
    """There is too little to train or to evaluate with."""
    INTERRUPTED = 130
    """Ctrl-C; what was done is kept, and running the command again goes on from there."""


class CommandError(Exception):
    """A command cannot go on. The message is for the person at the terminal: what is wrong, and what to do.

    Args:
        message: that text.
        exit_code: what the command ends with.
    """

    def __init__(self, message: str, exit_code: ExitCode = ExitCode.FAILED) -> None:
        super().__init__(message)
        self.exit_code = exit_code
