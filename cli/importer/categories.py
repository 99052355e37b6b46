from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from cli.importer.faults import Cleaned, ValueFault, is_missing
from cli.importer.texts import clean_texts

Path = tuple[str, ...]


def clean_categories(columns: Sequence[pd.Series], separator: str, list_separator: str) -> Cleaned:
    """Category paths of each row, the main one first, as tuples of names from the root down.

    Args:
        columns: one column with whole paths, as text or as lists, or one column for each level.
        separator: what parts the names of a path in one column; white space around it does not count.
        list_separator: what parts the paths of a row in one column.
    """
    if len(columns) > 1:
        return _from_levels(columns)
    known: dict[Any, tuple[Path, ...] | None] = {}
    values: list[Any] = []
    faults = []
    for row, cell in enumerate(columns[0].tolist()):
        if isinstance(cell, list | tuple | np.ndarray):
            paths = _from_list(cell)
            if paths is None:
                faults.append(
                    ValueFault(row, "CATEGORY_UNREADABLE", "isn't a category; write a list of names, or a list of such")
                )
            values.append(paths or None)
            continue
        if is_missing(cell):
            values.append(None)
            continue
        text = str(cell)
        if text not in known:
            paths = tuple(_names(part.split(separator.strip() or separator)) for part in text.split(list_separator))
            known[text] = tuple(path for path in paths if path) or None
        values.append(known[text])
    return Cleaned(values, faults)


def _from_levels(columns: Sequence[pd.Series]) -> Cleaned:
    levels = [clean_texts(column) for column in columns]
    known: dict[tuple[str | None, ...], tuple[Path, ...] | None] = {}
    values = []
    for names in zip(*(level.values for level in levels), strict=True):
        if names not in known:
            path = tuple(name for name in names if name)
            known[names] = (path,) if path else None
        values.append(known[names])
    return Cleaned(values, [fault for level in levels for fault in level.faults])


def _from_list(cell: Iterable[Any]) -> tuple[Path, ...] | None:
    """["A", "B"] is one path, [["A", "B"], ["C"]] are two. None: it is neither."""
    parts = [part for part in cell if not is_missing(part)]
    if all(isinstance(part, str) for part in parts):
        path = _names(parts)
        return (path,) if path else ()
    if all(isinstance(part, list | tuple | np.ndarray) for part in parts):
        inner = [_from_list(part) for part in parts]
        if all(paths is not None and len(paths) <= 1 for paths in inner):
            return tuple(path for paths in inner for path in paths or ())
    return None


def _names(parts: Sequence[str]) -> Path:
    return tuple(name for part in parts if (name := part.strip()))
