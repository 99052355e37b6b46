import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.context import command_context
from cli.errors import CommandError, ExitCode
from cli.rendering.progress import terminal_progress

if TYPE_CHECKING:
    from services.candidates.settings import CandidatesSettings

FileOption = typer.Option(help="CSV, TSV, JSON Lines or Parquet, also .gz; repeatable.", metavar="FILE")


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
            help="An index of Elasticsearch, of items or of KIND (users, events); repeatable.",
        ),
    ] = None,
    maps: Annotated[
        list[str] | None, typer.Option("--map", metavar="FIELD=COLUMN", help="Read FIELD from COLUMN; repeatable.")
    ] = None,
    missing: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FIELD=POLICY",
            help="What to do with missing values: leave-out, absent, default:VALUE, median or mode.",
        ),
    ] = None,
    attributes: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMNS", help="Columns to import as attributes: color,screen_cm,price_class:text."),
    ] = None,
    category_separator: Annotated[str, typer.Option(help="Separator between names of a category path.")] = " > ",
    list_separator: Annotated[str, typer.Option(help="Separator between values of a list.")] = "|",
    decimal: Annotated[str, typer.Option(help="Decimal separator, . or , (auto-detected per column).")] = "",
    timezone: Annotated[str, typer.Option(help="Time zone of times that have none.")] = "UTC",
    day_first: Annotated[
        bool | None,
        typer.Option("--day-first/--month-first", help="How to read 03/04/2025 (auto-detected per column)."),
    ] = None,
    encoding: Annotated[str, typer.Option(help="Encoding of texts (auto-detected per file).")] = "",
    partial: Annotated[
        bool, typer.Option("--partial", help="Update only the fields that the file has columns for.")
    ] = False,
    rejects: Annotated[Path | None, typer.Option(help="File for rejected rows.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, send nothing.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until every event is in the features.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The summary as one JSON object.")] = False,
) -> None:
    """Import items, users and events from files or Elasticsearch. Columns are matched by name; docs/import.md lists the
    names. Bad rows go to the rejects file, the rest is imported; importing again changes nothing.
    """
    # Pandas is slow to import; other commands do without it.
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
    """Where Elasticsearch is: the settings of the candidates service."""
    from pydantic import ValidationError

    from services.candidates.settings import CandidatesSettings
    from services.common.settings_help import render_faults

    try:
        return CandidatesSettings()
    except ValidationError as error:
        raise CommandError(render_faults(CandidatesSettings, error), ExitCode.USAGE) from error


def _pairs(option: str, texts: list[str], form: str) -> Mapping[str, str]:
    pairs: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip() or not value.strip():
            raise CommandError(f"{option} {text}: write it as {form}", ExitCode.USAGE)
        if name.strip() in pairs:
            raise CommandError(f"{option} {name.strip()} is given twice; give it once", ExitCode.USAGE)
        pairs[name.strip()] = value.strip()
    return pairs
