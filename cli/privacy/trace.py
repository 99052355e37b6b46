from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trace:
    """Something of a visitor that was found.

    Args:
        place: where: a store's table and column, or a file.
        count: how many rows, lines or values; 1 for a file that can only be looked at whole.
    """

    place: str
    count: int
