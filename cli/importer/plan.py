from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from cli.errors import CommandError, ExitCode
from cli.importer.attribute_types import AttributeType, parse_attributes
from cli.importer.clean import Cleaner
from cli.importer.column_names import did_you_mean
from cli.importer.columns import ATTRIBUTE, ColumnMap, map_columns
from cli.importer.fields import Kind, Values
from cli.importer.fill import Filler
from cli.importer.maps import said_columns
from cli.importer.missing import LEAVE_OUT, Policy, Remedy, policies_of
from cli.importer.options import ImportOptions
from cli.importer.read import Source
from cli.importer.statistics import Statistics
from cli.importer.survey import columns_of, survey
from services.common.progress import Progress


@dataclass(frozen=True, slots=True)
class FilePlan:
    """How one file is to be imported.

    Args:
        kind: what its rows are.
        source: the file.
        columns: which column is what.
        rows: how many rows it has.
        cleaner: makes fields of its columns.
        filler: does what the policies say with missing values.
    """

    kind: Kind
    source: Source
    columns: ColumnMap
    rows: int
    cleaner: Cleaner
    filler: Filler


def make_plans(files: Sequence[tuple[Kind, Path]], options: ImportOptions, progress: Progress) -> list[FilePlan]:
    """Looks all files over before anything is sent, so that a wrong option or a missing column costs nothing.

    Args:
        files: the files with what their rows are.
        options: how they are to be read.
        progress: where it says how far it is.

    Raises:
        CommandError: a file or an option is wrong.
    """
    _check(options)
    kinds = [kind for kind, _ in files]
    policies = {kind.name: policies_of(kind, options.missing, kinds) for kind in kinds}
    types = parse_attributes(options.attributes)
    sources = [Source.of(path, options.encoding) for _, path in files]
    found = [columns_of(source, options.rows_per_chunk) for source in sources]
    _check_attributes(types, found)
    said = said_columns(options.maps, list(zip(kinds, found, strict=True)))
    plans = []
    for kind, source, columns, mapped in zip(kinds, sources, found, said, strict=True):
        column_map = map_columns(kind, columns, mapped, types)
        _check_required(kind, source, columns, column_map, policies[kind.name], partial=options.partial)
        with progress.task(f"reading {source.path.name}") as task:
            whole = survey(source, kind, column_map, options.rows_per_chunk, task)
        cleaner = Cleaner(kind, column_map, whole, options)
        filler = _filler(kind, source, cleaner, policies[kind.name], options)
        plans.append(FilePlan(kind, source, column_map, whole.rows, cleaner, filler))
    return plans


def _filler(
    kind: Kind, source: Source, cleaner: Cleaner, policies: dict[str, Policy], options: ImportOptions
) -> Filler:
    fills = {name: _default(cleaner, name, policy) for name, policy in policies.items() if policy.default}
    if any(policy.needs_statistics for policy in policies.values()):
        fills.update(_statistics(kind, source, cleaner, policies, options))
    return Filler(kind, policies, fills)


def _default(cleaner: Cleaner, name: str, policy: Policy) -> Any:
    cleaned = cleaner.read_one(name, policy.default)
    if cleaned.faults:
        raise CommandError(
            f"--missing {name}=default:{policy.default}: {policy.default!r} {cleaned.faults[0].remedy}", ExitCode.USAGE
        )
    return cleaned.values[0]


def _statistics(
    kind: Kind, source: Source, cleaner: Cleaner, policies: dict[str, Policy], options: ImportOptions
) -> dict[str, Any]:
    statistics = Statistics(
        [name for name, policy in policies.items() if policy.remedy is Remedy.MEDIAN],
        [name for name, policy in policies.items() if policy.remedy is Remedy.MODE],
    )
    for chunk in source.chunks(options.rows_per_chunk):
        rows, _ = cleaner.clean(chunk)
        statistics.take({**rows.fields, **{ATTRIBUTE + name: values for name, values in rows.attributes.items()}})
    fills = statistics.fills()
    for name, value in fills.items():
        if not name.startswith(ATTRIBUTE) and kind.field(name).values is Values.WHOLE:
            fills[name] = round(value)
    return fills


def _check(options: ImportOptions) -> None:
    if options.decimal not in {"", ".", ","}:
        raise CommandError(f"--decimal {options.decimal}: it is . or ,", ExitCode.USAGE)
    if options.rows_per_chunk < 1:
        raise CommandError("rows_per_chunk: at least one row is read at a time", ExitCode.USAGE)
    for name, value in (("category", options.category_separator), ("list", options.list_separator)):
        if not value:
            raise CommandError(f"--{name}-separator: it has at least one character", ExitCode.USAGE)
    try:
        ZoneInfo(options.timezone)
    except (ValueError, OSError, KeyError):
        raise CommandError(
            f"--timezone {options.timezone}: there is no such zone; zones have names like Europe/Berlin"
            + did_you_mean(options.timezone, available_timezones()),
            ExitCode.USAGE,
        ) from None


def _check_attributes(types: dict[str, AttributeType], found: Iterable[Sequence[str]]) -> None:
    there = dict.fromkeys(column for columns in found for column in columns)
    for column in types:
        if column not in there:
            raise CommandError(
                f"--attributes {column}: there is no such column; there are {', '.join(there)}"
                + did_you_mean(column, there),
                ExitCode.USAGE,
            )


def _check_required(
    kind: Kind,
    source: Source,
    columns: Sequence[str],
    column_map: ColumnMap,
    policies: dict[str, Policy],
    *,
    partial: bool,
) -> None:
    if not columns:
        # Lines of JSON say their columns themselves, and there are no lines.
        return
    for field in kind.fields:
        needed = field.required and not (partial and field.values is not Values.ID)
        if needed and field.name not in column_map.fields and policies.get(field.name) == LEAVE_OUT:
            names = ", ".join(dict.fromkeys((field.name, *field.synonyms)))
            advice = "; --partial changes only the fields that there are columns for" if kind.name == "items" else ""
            raise CommandError(
                f"{source.path} has no column for {field.name}. Columns that are taken for it: {names}; or say "
                f"--map {field.name}=COLUMN{advice}. Its columns: {', '.join(columns)}",
                ExitCode.USAGE,
            )
    if kind.any_of and not any(name in column_map.fields or name in policies for name in kind.any_of):
        names = ", ".join(name for field in kind.any_of for name in (field, *kind.field(field).synonyms))
        raise CommandError(
            f"{source.path} has no column for {' or '.join(kind.any_of)}. Columns that are taken for them: {names}; "
            f"or say --map {kind.any_of[0]}=COLUMN. Its columns: {', '.join(columns)}",
            ExitCode.USAGE,
        )
