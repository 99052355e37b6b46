import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cli.errors import CommandError
from cli.exit_codes import ExitCode

LEAST_ITEMS = 3


@dataclass(frozen=True, slots=True)
class SequenceData:
    """What users took, oldest first, by item number from 1 on; and each item's attributes by number.

    `attribute_nos` is (items + 1, A): row i is item i, filled up with 0; without attributes all are 0.
    """

    sequences: list[NDArray[np.int64]]
    attribute_nos: NDArray[np.int32]

    @property
    def item_count(self) -> int:
        """Items, those of the sequences alone."""
        return len(self.attribute_nos) - 1


def read_sequence_folder(folder: Path) -> SequenceData:
    """Reads sequences.txt ("user item item …" a line) and, if there is one, item_attributes.json ({item: [attribute,
    …]}) or the columns item_id and attributes of items.parquet. Ids are opaque.

    Raises:
        CommandError: a file cannot be read, or a user has fewer than three items.
    """
    rows = read_rows(folder)
    try:
        attributes = _attributes(folder)
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise CommandError(f"the attributes in {folder} cannot be read: {error}", ExitCode.USAGE) from error
    numbers: dict[str, int] = {}
    sequences = [np.array([numbers.setdefault(item, len(numbers) + 1) for item in row], np.int64) for row in rows]
    return SequenceData(sequences, _numbered(attributes, numbers))


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


def _attributes(folder: Path) -> dict[str, list[str]]:
    file = folder / "item_attributes.json"
    if file.exists():
        read = json.loads(file.read_text(encoding="utf-8"))
        return {str(item): list(map(str, names)) for item, names in read.items()}
    if (folder / "items.parquet").exists():
        items = pd.read_parquet(folder / "items.parquet", columns=["item_id", "attributes"])
        columns = zip(items.item_id, items.attributes, strict=True)
        return {str(item): list(map(str, names if names is not None else [])) for item, names in columns}
    return {}


def _numbered(attributes: dict[str, list[str]], numbers: dict[str, int]) -> NDArray[np.int32]:
    width = max((len(names) for item, names in attributes.items() if item in numbers), default=0)
    table = np.zeros((len(numbers) + 1, max(width, 1)), np.int32)
    known: dict[str, int] = {}
    for item, names in attributes.items():
        if item in numbers:
            table[numbers[item], : len(names)] = [known.setdefault(name, len(known) + 1) for name in names]
    return table
