import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cli.errors import CommandError, ExitCode

LEAST_ITEMS = 3

Lists = Mapping[str, list[str]]
"""Of each item: attributes or words."""


@dataclass(frozen=True, slots=True)
class SequenceData:
    """What users took, oldest first, by item number from 1 on; and each item's content by number.

    `content` has two groups, attributes and words, of (items + 1, A) each: row i is item i, filled up with 0; without
    attributes or words all are 0. No number stands in both groups.
    """

    sequences: list[NDArray[np.int64]]
    content: tuple[NDArray[np.int32], NDArray[np.int32]]

    @property
    def item_count(self) -> int:
        """Items, those of the sequences alone."""
        return len(self.content[0]) - 1


def read_sequence_folder(folder: Path) -> SequenceData:
    """Reads sequences.txt ("user item item …" a line) and, where there are such files, item_attributes.json ({item:
    [attribute, …]}) and the columns item_id, attributes and words of items.parquet, the attributes being those of the
    former file where both have them. Ids are opaque; items that no user took are left out.

    Raises:
        CommandError: a file cannot be read, or a user has fewer than three items.
    """
    rows = read_rows(folder)
    try:
        attributes, words = _content(folder)
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise CommandError(f"the items in {folder} cannot be read: {error}", ExitCode.USAGE) from error
    numbers: dict[str, int] = {}
    sequences = [np.array([numbers.setdefault(item, len(numbers) + 1) for item in row], np.int64) for row in rows]
    of_attributes = _numbered(attributes, numbers, 0)
    return SequenceData(sequences, (of_attributes, _numbered(words, numbers, int(of_attributes.max()))))


def read_rows(folder: Path) -> list[list[str]]:
    """Returns each user's items of sequences.txt, oldest first.

    Raises:
        CommandError: the file cannot be read, or a user has fewer than three items.
    """
    try:
        lines = (folder / "sequences.txt").read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise CommandError(f"{folder} cannot be read: {error}", ExitCode.USAGE) from error
    rows = [line.split()[1:] for line in lines if line.strip()]
    if not rows or min(map(len, rows)) < LEAST_ITEMS:
        raise CommandError(f"{folder}/sequences.txt needs at least one user, and three items a user", ExitCode.USAGE)
    return rows


def _content(folder: Path) -> tuple[Lists, Lists]:
    """Returns each item's attributes and words."""
    table = pd.DataFrame({"item_id": []})
    if (folder / "items.parquet").exists():
        table = pd.read_parquet(folder / "items.parquet")
    items = [str(item) for item in table["item_id"]]
    attributes = dict(zip(items, map(_texts, table.get("attributes", [])), strict=False))
    words = dict(zip(items, map(_texts, table.get("words", [])), strict=False))
    if (folder / "item_attributes.json").exists():
        read = json.loads((folder / "item_attributes.json").read_text(encoding="utf-8"))
        attributes = {str(item): list(map(str, names)) for item, names in read.items()}
    return attributes, words


def _texts(value: object) -> list[str]:
    """Returns the parts of a cell: a list's elements or a text's words; none where it is missing."""
    if isinstance(value, str):
        return value.split()
    return [str(part) for part in value] if isinstance(value, list | tuple | np.ndarray) else []


def _numbered(lists: Lists, numbers: Mapping[str, int], after: int) -> NDArray[np.int32]:
    """Returns a table of numbers greater than `after`, without what a single item has: that says nothing of others."""
    kept = {item: dict.fromkeys(names) for item, names in lists.items() if item in numbers}
    counts = Counter(name for names in kept.values() for name in names)
    shared = {item: [name for name in names if counts[name] > 1] for item, names in kept.items()}
    table = np.zeros((len(numbers) + 1, max(1, *map(len, shared.values()), 1)), np.int32)
    known: dict[str, int] = {}
    for item, names in shared.items():
        table[numbers[item], : len(names)] = [after + known.setdefault(name, len(known) + 1) for name in names]
    return table
