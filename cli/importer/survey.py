from collections.abc import Iterable
from dataclasses import dataclass, field

from cli.importer.chunk import Chunk
from cli.importer.columns import ColumnMap
from cli.importer.detect import Format
from cli.importer.faults import is_text
from cli.importer.fields import Kind, Values
from cli.importer.number_text import Separator
from cli.importer.numbers import agreed, separator_of
from cli.importer.options import ImportOptions
from cli.importer.read import Source
from cli.importer.read_parquet import parquet_rows
from cli.importer.times import day_first_in
from services.common.progress import Task

# Fields whose values a row alone may leave in doubt.
TOLD_BY_ALL = frozenset({Values.MONEY, Values.NUMBER, Values.QUANTITY, Values.WHOLE, Values.FRACTION, Values.TIME})


@dataclass(slots=True)
class Survey:
    """What the whole of a file says, that one row does not.

    Args:
        rows: how many it has.
        separators: what the texts of each column say about its decimal separator.
        day_first: what the texts of each column say about the order of day and month.
    """

    rows: int = 0
    separators: dict[str, Separator] = field(default_factory=dict)
    day_first: dict[str, set[bool]] = field(default_factory=dict)

    def decimal(self, column: str, options: ImportOptions) -> Separator:
        """The decimal separator of a column: as was said, else as its numbers say, else the point."""
        if options.decimal:
            return Separator(options.decimal)
        found = self.separators.get(column, Separator.NONE)
        return Separator.POINT if found is Separator.NONE else found

    def begins_with_day(self, column: str, options: ImportOptions) -> bool | None:
        """Whether dates of a column begin with the day: as was said, else as its dates say. None: nothing tells."""
        if options.day_first is not None:
            return options.day_first
        said = self.day_first.get(column, set())
        return next(iter(said)) if len(said) == 1 else None


def columns_of(source: Source, rows_per_chunk: int) -> list[str]:
    """The columns of a file. Lines of JSON are read to the end: any of them may have one more."""
    names: dict[str, None] = {}
    for chunk in source.chunks(rows_per_chunk if source.form.format is Format.JSON_LINES else 1):
        names.update(dict.fromkeys(chunk.frame.columns))
        if source.form.format is not Format.JSON_LINES:
            break
    return list(names)


def survey(source: Source, kind: Kind, columns: ColumnMap, rows_per_chunk: int, task: Task) -> Survey:
    """Reads a file once for what only all of it says. A Parquet file with types says it at once.

    Args:
        source: the file.
        kind: what its rows are.
        columns: which of its columns is what.
        rows_per_chunk: rows in memory at a time.
        task: counts the rows.
    """
    told = [
        column for name, taken in columns.fields.items() if kind.field(name).values in TOLD_BY_ALL for column in taken
    ] + list(columns.attributes.values())
    found = Survey()
    for chunk in source.chunks(rows_per_chunk):
        _look_at(chunk, told, found)
        task.advance(len(chunk.lines))
        if source.form.format is Format.PARQUET and not any(is_text(chunk.frame[name]) for name in told):
            return Survey(rows=parquet_rows(source.path))
    return found


def _look_at(chunk: Chunk, columns: Iterable[str], found: Survey) -> None:
    found.rows += len(chunk.lines) + len(chunk.broken)
    for name in columns:
        if name in chunk.frame:
            column = chunk.frame[name]
            known = found.separators.get(name, Separator.NONE)
            found.separators[name] = agreed({known, separator_of(column)})
            found.day_first.setdefault(name, set()).update(day_first_in(column))
