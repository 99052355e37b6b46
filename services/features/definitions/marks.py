from array import array
from collections.abc import Iterator
from typing import Final, Generic, TypeVar

from vitrine.features.v1.stored_user_state_pb2 import StoredMarks

Key = TypeVar("Key", int, str)
Mark = tuple[int, int, int]
"""(event_millis, tie break, 1 set or 0 taken back)."""

SLACK: Final = 64


class Marks(Generic[Key]):
    """For each key the newest mark by time, for the keys with the newest marks up to a bound.

    A key that falls out is one that `bound` others are newer than; a newer mark brings it back whole. So what it
    holds does not depend on the order of arrival.
    """

    __slots__ = ("_bound", "_marks")

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._marks: dict[Key, Mark] = {}

    def add(self, key: Key, mark: Mark) -> None:
        """Marks a key; a mark older than the known one changes nothing."""
        known = self._marks.get(key)
        if known is None or mark > known:
            self._marks[key] = mark
            if len(self._marks) > self._bound + SLACK:
                self._marks = dict(self._newest())

    def merge(self, other: "Marks[Key]") -> None:
        """Takes over what others said."""
        for key, mark in other._marks.items():
            self.add(key, mark)

    def set_keys(self) -> Iterator[Key]:
        """Iterates over the keys that are set, the newest mark first."""
        return (key for key, (_, _, value) in self._newest() if value)

    def _newest(self) -> list[tuple[Key, Mark]]:
        ordered = sorted(self._marks.items(), key=lambda pair: (pair[1], pair[0]), reverse=True)
        return ordered[: self._bound]

    def save(self, stored: StoredMarks) -> None:
        """Writes the marks into their storage format."""
        newest = self._newest()
        if not newest:
            return
        keys, marks = zip(*newest, strict=True)
        if isinstance(keys[0], int):
            stored.item_nos = array("I", keys).tobytes()
        else:
            stored.texts.extend(keys)
        millis, ties, values = zip(*marks, strict=True)
        stored.millis = array("q", millis).tobytes()
        stored.ties = array("I", ties).tobytes()
        stored.values = array("B", values).tobytes()

    def load_numbers(self: "Marks[int]", stored: StoredMarks) -> None:
        """Reads marks on items from their storage format."""
        self._marks = dict(zip(array("I", stored.item_nos), _marks(stored), strict=True))

    def load_texts(self: "Marks[str]", stored: StoredMarks) -> None:
        """Reads marks on texts from their storage format."""
        self._marks = dict(zip(stored.texts, _marks(stored), strict=True))


def _marks(stored: StoredMarks) -> Iterator[Mark]:
    return zip(array("q", stored.millis), array("I", stored.ties), array("B", stored.values), strict=True)
