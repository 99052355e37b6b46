import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import pandas as pd

from cli.errors import CommandError, ExitCode
from cli.importer.chunk import Chunk
from cli.importer.detect import FileForm, open_text
from cli.importer.faults import Fault, shown
from cli.importer.lines import Lines
from cli.importer.surrogates import not_text

# A cell is longer than any value may be only where a quotation mark is never closed: the search for it ends here.
MAX_CELL_CHARACTERS = 1 << 20


def read_csv(path: Path, form: FileForm, rows_per_chunk: int) -> Iterator[Chunk]:
    """The rows of a CSV file, all cells as the text that stands there. There is always a chunk, an empty one where
    there are no rows.

    The standard library's reader takes rows apart, not Pandas': it says where each begins, and one that is broken
    does not end it.

    Raises:
        CommandError: there is no header, or two of its columns have one name.
    """
    csv.field_size_limit(MAX_CELL_CHARACTERS)
    with open_text(path, form) as text:
        lines = Lines(text)
        for _ in islice(lines, form.lines_before_header):
            lines.begin_row()
        rows = _rows(lines, form.delimiter)
        names = _header(path, rows)
        pending = _PendingRows(names)
        for line, row in rows:
            pending.take(line, row)
            if pending.size == rows_per_chunk:
                yield pending.chunk()
                pending = _PendingRows(names)
        yield pending.chunk()


def _rows(lines: Lines, delimiter: str) -> Iterator[tuple[int, list[str] | Fault]]:
    while True:
        try:
            for row in csv.reader(lines, delimiter=delimiter, strict=True):
                yield lines.row_begin, row
                lines.begin_row()
            return
        except csv.Error as error:
            begin = lines.row_begin
            yield begin, Fault(begin, "", shown(lines.first_line.rstrip("\r\n")), "ROW_UNREADABLE", _remedy(error))
            # An opening quotation mark took the rows that follow for its own.
            lines.give_back_all_but_first()
            lines.begin_row()


def _remedy(error: csv.Error) -> str:
    return f"cannot be taken apart ({error}); close every quotation mark, and double those inside a quoted cell"


def _header(path: Path, rows: Iterator[tuple[int, list[str] | Fault]]) -> list[str]:
    for line, row in rows:
        if isinstance(row, Fault):
            raise CommandError(f"{path}:{line}: the header {row.remedy}", ExitCode.USAGE)
        if not any(cell.strip() for cell in row):
            continue
        names = [cell.strip() or f"column {number}" for number, cell in enumerate(row, 1)]
        for name, times in Counter(names).items():
            if times > 1:
                raise CommandError(f"{path} has {times} columns {name!r}; rename all but one", ExitCode.USAGE)
        return names
    raise CommandError(f"{path} has no line with its columns' names", ExitCode.USAGE)


class _PendingRows:
    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._rows: list[list[str]] = []
        self._lines: list[int] = []
        self._broken: list[Fault] = []

    @property
    def size(self) -> int:
        return len(self._rows) + len(self._broken)

    def take(self, line: int, row: list[str] | Fault) -> None:
        if isinstance(row, Fault):
            self._broken.append(row)
            return
        wanted = len(self._names)
        if len(row) != wanted:
            if not any(row):
                return
            # Some programs end every row with a delimiter.
            if len(row) < wanted or any(row[wanted:]):
                self._broken.append(_wrong_length(line, row, wanted))
                return
            row = row[:wanted]
        elif not any(row):
            return
        if fault := not_text(line, "".join(row)):
            self._broken.append(fault)
            return
        self._rows.append(row)
        self._lines.append(line)

    def chunk(self) -> Chunk:
        cells = zip(*self._rows, strict=True) if self._rows else ([] for _ in self._names)
        frame = pd.DataFrame(
            {
                name: pd.Series([cell or None for cell in column], dtype="str")
                for name, column in zip(self._names, cells, strict=True)
            }
        )
        return Chunk(frame, self._lines, self._broken)


def _wrong_length(line: int, row: list[str], wanted: int) -> Fault:
    reason = "ROW_TOO_SHORT" if len(row) < wanted else "ROW_TOO_LONG"
    return Fault(
        line,
        "",
        shown(" | ".join(row)),
        reason,
        f"has {len(row)} cells and the header {wanted}; add or remove cells, and quote a cell that holds the delimiter",
    )
