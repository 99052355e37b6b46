import struct
from typing import Generic, TypeVar, cast

from services.common.errors import FieldViolation, InvalidArgumentError
from services.common.signing import InvalidToken, Signer

PlaceT = TypeVar("PlaceT", bound=tuple[object, ...])


class PageTokens(Generic[PlaceT]):
    """Makes and reads the page tokens of one list: signed, and good only for the visitor they were made for.

    `layout` is the struct format of the place where a page ends, and `PlaceT` its Python type.
    """

    def __init__(self, signer: Signer, purpose: str, layout: str) -> None:
        self._signer = signer
        self._purpose = purpose
        self._layout = struct.Struct(layout)

    def make(self, visitor_key: bytes, place: PlaceT) -> str:
        """Returns the token that goes on behind `place`."""
        return self._signer.seal(visitor_key + self._layout.pack(*place), self._purpose)

    def read(self, token: str, visitor_key: bytes) -> PlaceT | None:
        """Returns the place that a token goes on behind; None for the empty token, the beginning.

        Raises InvalidArgumentError where the token is malformed, forged, or of another list or visitor.
        """
        if not token:
            return None
        try:
            payload = self._signer.open(token, self._purpose)
        except InvalidToken:
            payload = b""
        if not payload.startswith(visitor_key) or len(payload) != len(visitor_key) + self._layout.size:
            description = "is not a token of this list; send next_page_token as it came, with the same visitor"
            raise InvalidArgumentError(
                f"page_token {description}",
                reason="PAGE_TOKEN_INVALID",
                violations=[FieldViolation("page_token", description, "PAGE_TOKEN_INVALID")],
            )
        return cast("PlaceT", self._layout.unpack(payload[len(visitor_key) :]))


def page_size(wanted: int, default: int, largest: int) -> int:
    """Returns how many to list: `default` for 0, at most `largest`; raises InvalidArgumentError below 0."""
    if wanted < 0:
        description = f"is {wanted}; send 1 to {largest:,}, or 0 for {default}"
        raise InvalidArgumentError(
            f"page_size {description}",
            reason="OUT_OF_RANGE",
            violations=[FieldViolation("page_size", description, "OUT_OF_RANGE")],
        )
    return min(wanted or default, largest)
