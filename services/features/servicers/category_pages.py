import base64
import binascii
from collections.abc import Sequence

from services.common.errors import FieldViolation, InvalidArgumentError
from services.features.catalog.category_tree import CategoryNode


def to_token(category_no: int) -> str:
    """Returns the token of the page that begins after a category."""
    return base64.urlsafe_b64encode(f"after:{category_no}".encode()).decode()


def begin_of_page(page_token: str, nodes: Sequence[CategoryNode]) -> int:
    """Returns where the token's page begins among the nodes of its listing; an empty token begins it.

    A listing that grew meanwhile goes on behind the same category. Raises InvalidArgumentError (PAGE_TOKEN_INVALID).
    """
    if not page_token:
        return 0
    try:
        word, _, number = base64.b64decode(page_token, altchars=b"-_", validate=True).decode("ascii").partition(":")
        last = int(number) if word == "after" else 0
    except (binascii.Error, UnicodeDecodeError, ValueError):
        last = 0
    for place, node in enumerate(nodes):
        if node.category_no == last:
            return place + 1
    description = "is not one that this listing gave; send next_page_token as it was, or begin again without one"
    raise InvalidArgumentError(
        f"page_token {description}",
        reason="PAGE_TOKEN_INVALID",
        violations=[FieldViolation("page_token", description, "PAGE_TOKEN_INVALID")],
    )
