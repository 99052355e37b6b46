import asyncio
import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from cli.context import command_context
from cli.exit_codes import ExitCode
from cli.verification.served_pages import compare_pages
from cli.visitor_options import AnonymousOption, UserOption, visitor_of

app = typer.Typer(
    help="Look into what is known of users.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback()
def features() -> None:
    """Look into what is known of users."""


@app.command("verify")
def verify(
    context: typer.Context,
    user: UserOption = "",
    anonymous: AnonymousOption = "",
    pages: Annotated[int, typer.Option(min=1, help="Pages to look at, at the most, the newest first.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for scripts.")] = False,
) -> None:
    """Compute the features that pages were made from anew from the log, and compare. Ends with 1 where any differ.

    Without a visitor it looks at pages of those who did something lately.
    """
    command = command_context(context)
    visitor = visitor_of(user, anonymous) if user or anonymous else None
    compared = asyncio.run(compare_pages(command.shop, visitor, pages))
    differing = [page for page in compared if page.differing]
    if as_json:
        command.console.print_json(json.dumps({"pages": [asdict(page) for page in compared]}))
    else:
        moved = sum(bool(page.changed_with_catalog) for page in compared)
        told = f"; of {moved:,} the catalog has changed since" if moved else ""
        command.console.print(f"{len(compared):,} pages compared, {len(differing):,} differ{told}")
        if differing:
            table = Table("page", "what differs", box=None, pad_edge=False)
            for page in differing:
                table.add_row(page.page_id, ", ".join(page.differing))
            command.console.print(table)
    if differing:
        raise typer.Exit(ExitCode.FAILED)
