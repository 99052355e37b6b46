from array import array
from bisect import insort
from collections.abc import Iterator

from vitrine.features.v1.stored_user_state_pb2 import StoredEntries

Entry = tuple[int, int, int, int]
"""(event_millis, tie break, item_no, EventType)."""


class Entries:
    """The newest events up to a bound, by time and not by arrival: the same ones whatever the order they came in."""

    __slots__ = ("_bound", "_entries")

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._entries: list[Entry] = []

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        """Oldest first."""
        return iter(self._entries)

    def add(self, entry: Entry) -> None:
        """Adds one; beyond the bound the oldest goes."""
        entries = self._entries
        if not entries or entry >= entries[-1]:  # nearly always: events come about in order
            entries.append(entry)
        elif len(entries) < self._bound or entry > entries[0]:
            insort(entries, entry)
        if len(entries) > self._bound:
            del entries[0]

    def merge(self, other: "Entries") -> None:
        """Takes over what another log holds."""
        self._entries = sorted(self._entries + other._entries)[-self._bound :]

    def columns(self) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
        """Returns millis, ties, item_nos and types, oldest first."""
        if not self._entries:
            return (), (), (), ()
        millis, ties, item_nos, types = zip(*self._entries, strict=True)
        return millis, ties, item_nos, types

    def save(self, stored: StoredEntries) -> None:
        """Writes the log into its storage format."""
        millis, ties, item_nos, types = self.columns()
        stored.millis = array("q", millis).tobytes()
        stored.ties = array("I", ties).tobytes()
        stored.item_nos = array("I", item_nos).tobytes()
        stored.types = array("B", types).tobytes()

    def load(self, stored: StoredEntries) -> None:
        """Reads the log from its storage format."""
        self._entries = list(
            zip(
                array("q", stored.millis),
                array("I", stored.ties),
                array("I", stored.item_nos),
                array("B", stored.types),
                strict=True,
            )
        )
