from typing import Annotated

import typer

from cli.context import command_context
from cli.launcher.process import checked_names


def down(
    context: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(help="Processes to stop; all by default.")] = None,
) -> None:
    """Stop the shop's processes. Each finishes what it's doing, and the shop's state is kept."""
    command = command_context(context)
    stopped = command.shop.launcher().stop(checked_names(names))
    command.console.print(f"stopped: {', '.join(stopped)}" if stopped else "nothing was running")
