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
