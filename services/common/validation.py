"""Collects the violations of a request, so that one answer names every field."""

import math
import unicodedata
from collections.abc import Sized
from typing import Final

from services.common.errors import FieldViolation, InvalidArgumentError, invalid_field

MAX_ID_BYTES: Final = 256
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Zl", "Zp", "Zs"})


def identifier_fault(value: str) -> tuple[str, str] | None:
    """Returns (reason, description) of why `value` isn't a valid opaque id, or None if it is.

    An id is 1 to 256 bytes of UTF-8 without control characters (Unicode category Cc). Nothing is folded or trimmed.
    """
    # Nearly every id is short and printable, and str.isprintable runs in C.
    if value and len(value) <= MAX_ID_BYTES // 4 and value.isprintable():
        return None
    if not value:
        return "ID_EMPTY", "is empty; send an id of 1 to 256 bytes"
    try:
        length = len(value.encode())
    except UnicodeEncodeError:
        return "ID_NOT_UTF8", "is not valid UTF-8 (it holds half of a surrogate pair); send the id as UTF-8"
    if length > MAX_ID_BYTES:
        return "ID_TOO_LONG", f"has {length} bytes of UTF-8; send an id of at most {MAX_ID_BYTES}, or a hash of it"
    if any(unicodedata.category(character) == "Cc" for character in value):
        return "ID_CONTROL_CHARACTER", "holds a control character; send the id without line breaks, tabs and NULs"
    return None


def is_visible(text: str) -> bool:
    """Returns whether a text has a visible character: not only spaces, controls and zero-width characters."""
    return any(unicodedata.category(character) not in _INVISIBLE for character in text)


class Violations:
    """The violations of one request (or one element of a batch), field by field.

    `prefix` stands before every field's path: `Violations("events[3].")`. Truthy once anything is wrong.
    """

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix
        self._found: list[FieldViolation] = []

    def __bool__(self) -> bool:
        return bool(self._found)

    @property
    def found(self) -> tuple[FieldViolation, ...]:
        """The violations in the order in which they were found."""
        return tuple(self._found)

    def add(self, field: str, description: str, *, reason: str = "INVALID_VALUE") -> None:
        """Adds a violation of `field`; `description` continues from the field's name ("is empty; send …")."""
        self._found.append(FieldViolation(self._prefix + field, description, reason))

    def identifier(self, field: str, value: str) -> bool:
        """Checks an opaque id; returns whether it's valid."""
        fault = identifier_fault(value)
        if fault is None:
            return True
        self.add(field, fault[1], reason=fault[0])
        return False

    def required(self, field: str, value: object, remedy: str = "set it") -> bool:
        """Checks that `value` is set: not None, not empty. Zero and False are values."""
        missing = value is None or (isinstance(value, Sized) and len(value) == 0)
        if missing:
            self.add(field, f"is missing; {remedy}", reason="FIELD_REQUIRED")
        return not missing

    def finite(self, field: str, value: float, minimum: float | None = None, maximum: float | None = None) -> bool:
        """Checks a number: not NaN, not infinite, within the bounds (both inclusive)."""
        if not math.isfinite(value):
            self.add(field, f"is {value}; send a finite number, or leave it out", reason="NOT_FINITE")
            return False
        too_small = minimum is not None and value < minimum
        too_large = maximum is not None and value > maximum
        if too_small or too_large:
            self.add(field, f"is {value:g}; send {_range(minimum, maximum)}", reason="OUT_OF_RANGE")
            return False
        return True

    def at_most(self, field: str, values: Sized, limit: int, remedy: str = "split the request") -> bool:
        """Checks the number of elements (of characters, for text)."""
        if len(values) <= limit:
            return True
        self.add(field, f"has {len(values)} elements, the limit is {limit}; {remedy}", reason="TOO_MANY")
        return False

    def raise_if_any(self, message: str = "The request is invalid") -> None:
        """Raises InvalidArgumentError with all violations; its message and reason are those of the first."""
        if not self._found:
            return
        first = self._found[0]
        more = f" (and {len(self._found) - 1} more)" if len(self._found) > 1 else ""
        raise InvalidArgumentError(
            f"{message}: {first.field} {first.description}{more}", reason=first.reason, violations=self._found
        )


def check_batch(field: str, batch: Sized, limit: int) -> None:
    """Raises InvalidArgumentError unless a batch has 1 to `limit` elements (EMPTY_BATCH, BATCH_TOO_LARGE)."""
    if not 0 < len(batch) <= limit:
        reason = "BATCH_TOO_LARGE" if len(batch) else "EMPTY_BATCH"
        raise invalid_field(field, f"has {len(batch):,} elements; send 1 to {limit:,} per call", reason)


def _range(minimum: float | None, maximum: float | None) -> str:
    if minimum is None:
        return f"at most {maximum:g}"
    if maximum is None:
        return f"at least {minimum:g}"
    return f"a number from {minimum:g} to {maximum:g}"
