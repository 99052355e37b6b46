import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import ValidationError

from cli.context import command_context
from cli.errors import CommandError
from cli.exit_codes import ExitCode
from cli.rendering.progress import terminal_progress
from services.common.settings_help import render_faults

if TYPE_CHECKING:
    from services.candidates.settings import CandidatesSettings

FileOption = typer.Option(help="CSV, TSV, JSON Lines or Parquet, also .gz; may be said several times.", metavar="FILE")


def import_(
    context: typer.Context,
    items: Annotated[list[Path] | None, FileOption] = None,
    users: Annotated[list[Path] | None, FileOption] = None,
    events: Annotated[list[Path] | None, FileOption] = None,
    indexes: Annotated[
        list[str] | None,
        typer.Option(
            "--from-elasticsearch",
            metavar="[KIND=]INDEX",
            help="An index of Elasticsearch, of items or of KIND (users, events); may be said several times.",
        ),
    ] = None,
    maps: Annotated[
        list[str] | None, typer.Option("--map", metavar="FIELD=COLUMN", help="Take this column for that field.")
    ] = None,
    missing: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FIELD=POLICY",
            help="Where a value is missing: leave-out, absent, default:VALUE, median or mode.",
        ),
    ] = None,
    attributes: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMNS", help="Columns that are attributes: color,screen_cm,price_class:text."),
    ] = None,
    category_separator: Annotated[str, typer.Option(help="What parts the names of a category path.")] = " > ",
    list_separator: Annotated[str, typer.Option(help="What parts the values of a list.")] = "|",
    decimal: Annotated[str, typer.Option(help="The decimal separator, . or , (found out for each column).")] = "",
    timezone: Annotated[str, typer.Option(help="The zone of times without one.")] = "UTC",
    day_first: Annotated[
        bool | None,
        typer.Option("--day-first/--month-first", help="How to read 03/04/2025 (found out for each column)."),
    ] = None,
    encoding: Annotated[str, typer.Option(help="The encoding of texts (found out for each file).")] = "",
    partial: Annotated[
        bool, typer.Option("--partial", help="Change only the fields that there are columns for.")
    ] = False,
    rejects: Annotated[Path | None, typer.Option(help="The rejects file.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything and send nothing.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="End when every event is in the features.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The summary as one JSON object.")] = False,
) -> None:
    """Take items, users and events from files or from Elasticsearch. Columns are found by their names; docs/import.md
    lists them. A bad row goes to the rejects file, the rest goes in; importing again changes nothing.
    """
    # Pandas takes its time; other commands do without it.
    from cli.importer.importing import import_files
    from cli.importer.options import ImportOptions
    from cli.rendering.import_summary import render_import_summary

    command = command_context(context)
    options = ImportOptions(
        maps=_pairs("--map", maps or [], "FIELD=COLUMN"),
        missing=_pairs("--missing", missing or [], "FIELD=POLICY"),
        attributes=tuple(attributes or ()),
        category_separator=category_separator,
        list_separator=list_separator,
        decimal=decimal,
        timezone=timezone,
        day_first=day_first,
        encoding=encoding,
        partial=partial,
        rejects=rejects,
        dry_run=dry_run,
        wait=wait,
    )
    files = {"items": items or (), "users": users or (), "events": events or ()}
    with terminal_progress(command.messages) as progress:
        if indexes:
            from cli.importer.from_elasticsearch.import_indexes import import_indexes  # the extra `elastic`

            settings = _elasticsearch()
            importing = import_indexes(command.shop, indexes, settings, files=files, options=options, progress=progress)
        else:
            importing = import_files(command.shop, **files, options=options, progress=progress)
        summary = asyncio.run(importing)
    if as_json:
        command.console.print_json(data=summary.to_dict())
    else:
        command.console.print(render_import_summary(summary))
    if summary.rejected:
        raise typer.Exit(ExitCode.ROWS_REJECTED)


def _elasticsearch() -> "CandidatesSettings":
    """Where Elasticsearch is, as the candidates service is told."""
    from services.candidates.settings import CandidatesSettings

    try:
        return CandidatesSettings()
    except ValidationError as error:
        raise CommandError(render_faults(CandidatesSettings, error), ExitCode.USAGE) from error


def _pairs(option: str, texts: list[str], form: str) -> Mapping[str, str]:
    pairs: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip() or not value.strip():
            raise CommandError(f"{option} {text}: say {form}", ExitCode.USAGE)
        if name.strip() in pairs:
            raise CommandError(f"{option} {name.strip()} is said twice; say it once", ExitCode.USAGE)
        pairs[name.strip()] = value.strip()
    return pairs
