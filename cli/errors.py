from cli.exit_codes import ExitCode


class CommandError(Exception):
    """A command cannot go on. The message is for the person at the terminal: what is wrong, and what to do.

    Args:
        message: that text.
        exit_code: what the command ends with.
    """

    def __init__(self, message: str, exit_code: ExitCode = ExitCode.FAILED) -> None:
        super().__init__(message)
        self.exit_code = exit_code
