import asyncio
import json
from enum import StrEnum
from typing import Annotated

import typer

from cli.context import command_context
from cli.errors import ExitCode
from cli.rendering.progress import terminal_progress


class Table(StrEnum):
    """A table of the candidates service."""

    NEIGHBORS = "neighbors"
    NEXT_ITEMS = "next_items"
    BOUGHT_TOGETHER = "bought_together"
    USER_RATINGS = "user_ratings"
    GROUP_TASTES = "group_tastes"
    REPEATS = "repeats"


app = typer.Typer(help="Build one part of what pages are made from.", no_args_is_help=True, rich_markup_mode=None)


@app.command("candidates")
def candidates(
    context: typer.Context,
    update: Annotated[
        bool, typer.Option("--update", help="Only add events since the last build to the neighbors.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for scripts.")] = False,
) -> None:
    """Build the tables that candidates come from out of the event log: neighbors, next items, items bought together,
    tastes of users and groups. The candidates service loads them by itself. A table below its quality floor isn't made
    current; the exit code is then 1.
    """
    from cli.rendering.tables import render_built
    from cli.training import build_shop_candidates

    command = command_context(context)
    with terminal_progress(command.messages) as progress:
        built = asyncio.run(build_shop_candidates(command.shop, progress, update=update))
    if as_json:
        command.console.print_json(json.dumps(built.as_json()))
    else:
        command.console.print(render_built(built))
    if built.refused:
        raise typer.Exit(ExitCode.FAILED)
    if not built.artifacts and not update:
        raise typer.Exit(ExitCode.NOT_ENOUGH_DATA)


@app.command("use")
def use(
    context: typer.Context,
    table: Annotated[Table, typer.Argument(help="A table of the candidates service.")],
    version: Annotated[str, typer.Argument(help="One of its published versions, earlier or refused.")],
) -> None:
    """Make a version of a table current: to roll back, or to accept one that was refused for its quality."""
    from services.common.artifacts import ArtifactStore

    command = command_context(context)
    ArtifactStore(command.shop.state_directory / "artifacts").set_current(table, version)
    command.console.print(f"{table} {version} is current; the candidates service loads it within seconds")
