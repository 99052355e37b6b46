"""What a visitor's data can be told by, wherever it lies."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from services.common.visitors import visitor_key
from services.events.digests import visitor_digest
from vitrine.common.v1.visitor_pb2 import Visitor


@dataclass(frozen=True, slots=True)
class Trace:
    """Something of a visitor that was found.

    Args:
        place: where: a store's table and column, or a file.
        count: how many rows, lines or values; 1 for a file that can only be looked at whole.
    """

    place: str
    count: int


SHORT_ID_BYTES = 4
"""Ids below this many bytes are searched in messages together with the length of what holds them: alone they are
anywhere."""

UNMISTAKABLE_BYTES = 12
"""Ids of this many bytes are a visitor's wherever they stand. Shorter ones may be items' too, and count where what they
stand in is named after visitors."""

_NAMES = ("user", "visitor", "anonymous")


class Marks:
    """The traces that a visitor leaves: the id, the key, the log's digest of it, and the visitor inside a message."""

    def __init__(self, visitor: Visitor) -> None:
        """`visitor` has one id."""
        self.key = visitor_key(visitor)
        self.id = visitor.user_id or visitor.anonymous_id
        self.digest = visitor_digest(self.key)
        size = len(self.id.encode())
        message = visitor.SerializeToString()
        self.message = bytes([len(message)]) + message if size < SHORT_ID_BYTES else message
        self._words = {self.key, self.id} if size >= UNMISTAKABLE_BYTES else {self.key}

    def words(self, name: str = "") -> set[str]:
        """Returns the texts that mean the visitor in a field, a column or an array of that name."""
        return {self.key, self.id} if any(word in name.lower() for word in _NAMES) else self._words

    def within(self, value: object, name: str = "") -> bool:
        """Returns whether a value of JSON, or anything inside it, means the visitor."""
        if isinstance(value, Mapping):
            return any(self.within(inner, str(key)) or key in self._words for key, inner in value.items())
        if isinstance(value, list):
            return any(self.within(inner, name) for inner in value)
        return isinstance(value, str) and value in self.words(name)

    def on_line(self, line: str) -> bool:
        """Returns whether a line means the visitor: as JSON, or as words between blanks, commas and quotes."""
        try:
            return self.within(json.loads(line))
        except ValueError:
            return any(word.strip("\"'") in self._words for word in [line.strip(), *line.replace(",", " ").split()])

    def in_bytes(self, data: bytes) -> bool:
        """Returns whether bytes hold the key's digest or a message with the visitor."""
        return self.digest in data or self.message in data
