import csv
from collections.abc import Sequence

DELIMITERS = (",", ";", "\t", "|")
ROWS_LOOKED_AT = 100


def delimiter_of(lines: Sequence[str]) -> str:
    """The separator of the columns of a CSV text: the character that splits most of its first rows into as many cells
    as the header has, at least two; of several, the one with most columns.

    Args:
        lines: the text's first lines with their ends, the header among them.
    """
    best, best_score = DELIMITERS[0], (0.0, 1)
    for delimiter in DELIMITERS:
        score = _score(lines, delimiter)
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _score(lines: Sequence[str], delimiter: str) -> tuple[float, int]:
    rows = []
    try:
        for row in csv.reader(lines, delimiter=delimiter, strict=True):
            if row:
                rows.append(len(row))
            if len(rows) == ROWS_LOOKED_AT:
                break
    except csv.Error:
        # A row that is cut off, or one that is broken: what came before it counts.
        pass
    if not rows or rows[0] < 2:
        return 0.0, 1
    return sum(cells == rows[0] for cells in rows) / len(rows), rows[0]
