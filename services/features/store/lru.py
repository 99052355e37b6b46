from collections import OrderedDict
from collections.abc import Iterator
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class LruCache(Generic[K, V]):
    """Keeps what was used last, up to a bound. Belongs to one thread."""

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._entries: OrderedDict[K, V] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: K) -> bool:
        return key in self._entries

    def __iter__(self) -> Iterator[K]:
        """Longest unused first."""
        return iter(self._entries)

    def get(self, key: K) -> V | None:
        """Returns what is kept under the key, and counts it as used."""
        value = self._entries.get(key)
        if value is not None:
            self._entries.move_to_end(key)
        return value

    def put(self, key: K, value: V) -> None:
        """Keeps a value; what has been unused the longest goes, where there is too much."""
        self._entries[key] = value
        self._entries.move_to_end(key)
        if len(self._entries) > self._bound:
            self._entries.popitem(last=False)

    def drop(self, key: K) -> None:
        """Forgets a key."""
        self._entries.pop(key, None)

    def clear(self) -> None:
        """Forgets everything."""
        self._entries.clear()
