import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from cli.importer.chunk import Chunk
from cli.importer.detect import FileForm, open_text
from cli.importer.faults import Fault, shown
from cli.importer.surrogates import not_text


def read_json_lines(path: Path, form: FileForm, rows_per_chunk: int) -> Iterator[Chunk]:
    """The rows of a file with one JSON object a line. An object inside it becomes columns `name.key`. There is always
    a chunk, an empty one where there are no rows.
    """
    rows: list[dict[str, Any]] = []
    lines: list[int] = []
    broken: list[Fault] = []
    with open_text(path, form) as text:
        for line, content in enumerate(text, 1):
            if not content.strip():
                continue
            row = _row(line, content)
            if isinstance(row, Fault):
                broken.append(row)
            else:
                rows.append(row)
                lines.append(line)
            if len(rows) + len(broken) == rows_per_chunk:
                yield Chunk(_frame(rows), lines, broken)
                rows, lines, broken = [], [], []
    yield Chunk(_frame(rows), lines, broken)


def _row(line: int, content: str) -> dict[str, Any] | Fault:
    if fault := not_text(line, content):
        return fault
    try:
        row = json.loads(content)
    except (ValueError, RecursionError) as error:
        return _unreadable(line, content, f"is no JSON ({error})")
    if not isinstance(row, dict):
        return _unreadable(line, content, f"is a JSON {type(row).__name__}")
    # An escape such as "\ud83d" alone is valid JSON and no character.
    if "\\u" in content and (fault := not_text(line, json.dumps(row, ensure_ascii=False))):
        return fault
    return _flat(row)


def _unreadable(line: int, content: str, what: str) -> Fault:
    return Fault(line, "", shown(content.strip()), "ROW_UNREADABLE", f"{what}; write one JSON object a line")


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    flat = {}
    for name, value in row.items():
        if isinstance(value, dict):
            flat.update({f"{name}.{key}": inner for key, inner in value.items()})
        else:
            flat[name] = None if value == "" else value
    return flat


def _frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {}
    for name in names:
        values = [row.get(name) for row in rows]
        text = all(value is None or isinstance(value, str) for value in values)
        columns[name] = pd.Series(values, dtype="str" if text else "object")
    return pd.DataFrame(columns, index=range(len(rows)))
