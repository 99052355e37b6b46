from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from cli.importer.faults import Fault


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some consecutive rows of a file.

    Args:
        frame: their columns by the names in the file. Columns of text files are text; an empty cell is missing.
        lines: where each row begins: the physical line of a text file, the row's number in a Parquet file, from 1.
        broken: rows between them that could not be taken apart.
    """

    frame: pd.DataFrame
    lines: Sequence[int]
    broken: Sequence[Fault] = ()
