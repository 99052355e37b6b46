from typing import Annotated

import typer

from cli.context import command_context
from cli.launcher.process import PROCESSES, checked_names
from cli.rendering.progress import terminal_progress

READY_SECONDS = 120.0


def up(
    context: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(help="Processes to start; all by default.")] = None,
    free_ports: Annotated[
        bool, typer.Option("--free-ports", help="Pick free ports in place of those that are taken.")
    ] = False,
    debug: Annotated[
        bool,
        typer.Option(
            "--debug",
            help="Let the homepage answer `page --debug` and `evaluate`. Not for a shop that visitors can reach.",
        ),
    ] = False,
) -> None:
    """Start the shop's processes and wait until each reports SERVING. Those already running are left alone."""
    command = command_context(context)
    launcher = command.shop.launcher(debug=debug)
    wanted = checked_names(names) or [process.name for process in PROCESSES]
    started = launcher.start(wanted, any_free_port=free_ports)
    with terminal_progress(command.messages) as progress, progress.task("starting", len(started)) as task:
        for record in launcher.wait_until_serving(started, timeout_seconds=READY_SECONDS):
            task.advance(1)
            command.console.print(f"{record.name:<12} SERVING  {record.address}")
    if not started:
        command.console.print("everything is running already")
