"""Lists that come in pages: how many a page holds, and the token that the next one starts from (AIP-158)."""

import struct
from typing import Final, Generic, TypeVar, cast

from services.common.errors import InvalidArgumentError, invalid_field
from services.common.signing import InvalidToken, Signer
from services.common.validation import Violations

PlaceT = TypeVar("PlaceT", bound=tuple[object, ...])

LIST_KEY_BYTES: Final = 16


class PageTokens(Generic[PlaceT]):
    """Makes and reads the page tokens of one list. They're signed, and good only for the list key they were made for.

    The list key (16 bytes) stands for everything else that the caller must send again: the visitor, the query. `layout`
    is the struct format of the place where a page ends, and `PlaceT` its Python type.
    """

    def __init__(self, signer: Signer, purpose: str, layout: str) -> None:
        self._signer = signer
        self._purpose = purpose
        self._layout = struct.Struct(f">{LIST_KEY_BYTES}s{layout}")

    def make(self, list_key: bytes, place: PlaceT) -> str:
        """Returns the token of the page after `place`."""
        return self._signer.seal(self._layout.pack(list_key, *place), self._purpose)

    def read(self, token: str, list_key: bytes) -> PlaceT | None:
        """Returns the place that the page starts after, or None for the empty token: the first page.

        Raises InvalidArgumentError if the token is malformed, forged, or of another list.
        """
        if not token:
            return None
        try:
            key, *place = self._layout.unpack(self._signer.open(token, self._purpose))
        except (InvalidToken, struct.error):
            raise invalid_page_token() from None
        if key != list_key:
            raise invalid_page_token()
        return cast("PlaceT", tuple(place))


def invalid_page_token() -> InvalidArgumentError:
    """Returns the error for a page token that isn't of this list."""
    return invalid_field(
        "page_token",
        "is not a token of this list; send next_page_token unchanged with the same request, or leave it out to start "
        "over",
        "PAGE_TOKEN_INVALID",
    )


def page_size(
    wanted: int, *, default: int, largest: int, field: str = "page_size", violations: Violations | None = None
) -> int:
    """Returns how many to list: `default` for 0, at most `largest`.

    A negative size is added to `violations`; without them, it raises InvalidArgumentError.
    """
    found = Violations() if violations is None else violations
    if wanted < 0:
        found.add(
            field,
            f"is {wanted}; send 1 to {largest:,}, or 0 for {f'{default:,}' if default else 'the default'}",
            reason="OUT_OF_RANGE",
        )
    if violations is None:
        found.raise_if_any()
    return min(wanted or default, largest) if wanted >= 0 else default
