from collections import deque
from collections.abc import Iterator
from typing import TextIO


class Lines:
    """A text's lines for a reader that takes several of them for one row, and may have to be begun again.

    Args:
        text: the text.
    """

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._again: deque[str] = deque()
        self._taken: list[str] = []
        self._next_line = 1

    @property
    def row_begin(self) -> int:
        """The number of the row's first line, from 1."""
        return self._next_line - len(self._taken)

    @property
    def first_line(self) -> str:
        """The row's first line; empty where no line was left."""
        return self._taken[0] if self._taken else ""

    def begin_row(self) -> None:
        """The lines from here on belong to the next row."""
        self._taken.clear()

    def give_back_all_but_first(self) -> None:
        """The row ends after its first line: those that were taken since are to be read again."""
        self._again.extendleft(reversed(self._taken[1:]))
        self._next_line -= len(self._taken) - 1
        del self._taken[1:]

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._text)
        self._taken.append(line)
        self._next_line += 1
        return line
