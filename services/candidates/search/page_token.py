"""Where a search goes on, as an opaque text that only the same search takes."""

import hashlib
import struct
from typing import Final

from services.candidates.search.search import Place
from services.common.errors import FieldViolation, InvalidArgumentError
from services.common.signing import InvalidToken, Signer
from vitrine.candidates.v1.candidate_service_pb2 import SearchItemsRequest

_PURPOSE: Final = "search"
_FORM: Final = struct.Struct(">16sqdI")


def to_token(signer: Signer, request: SearchItemsRequest, query_millis: int, end: Place) -> str:
    """Returns the token of the page after `end`. The time of the first page goes along: all pages are as of it."""
    return signer.seal(_FORM.pack(_digest(request), query_millis, end.key, end.item_no), _PURPOSE)


def from_token(signer: Signer, request: SearchItemsRequest) -> tuple[int, Place]:
    """Returns the time of the first page and where the page before ended; raises InvalidArgumentError."""
    try:
        digest, query_millis, key, item_no = _FORM.unpack(signer.open(request.page_token, _PURPOSE))
    except (InvalidToken, struct.error):
        raise _invalid("is not one that this search gave") from None
    if digest != _digest(request):
        raise _invalid("is of another search")
    return query_millis, Place(key, item_no)


def _digest(request: SearchItemsRequest) -> bytes:
    same = SearchItemsRequest(
        text=request.text, filter=request.filter, sort=request.sort, excluded_item_nos=request.excluded_item_nos
    )
    return hashlib.blake2b(same.SerializeToString(deterministic=True), digest_size=16).digest()


def _invalid(what: str) -> InvalidArgumentError:
    description = f"{what}; send next_page_token as it was with the same request, or begin again without one"
    return InvalidArgumentError(
        f"page_token {description}",
        reason="PAGE_TOKEN_INVALID",
        violations=[FieldViolation("page_token", description, "PAGE_TOKEN_INVALID")],
    )
