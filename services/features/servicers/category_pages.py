import hashlib
from collections.abc import Sequence

from services.common.paging import LIST_KEY_BYTES, PageTokens, invalid_page_token
from services.common.signing import Signer
from services.features.catalog.category_tree import CategoryNode
from vitrine.features.v1.catalog_service_pb2 import ListCategoriesRequest


class CategoryPages:
    """The page tokens of ListCategories: a page starts after a category, wherever that stands by then."""

    def __init__(self, signer: Signer) -> None:
        self._tokens: PageTokens[tuple[int]] = PageTokens(signer, "features.categories", "I")

    def token(self, request: ListCategoriesRequest, last: CategoryNode) -> str:
        """Returns the token of the page after `last`."""
        return self._tokens.make(_list_key(request), (last.category_no,))

    def start(self, request: ListCategoriesRequest, nodes: Sequence[CategoryNode]) -> int:
        """Returns the index among `nodes` at which the request's page starts.

        Raises InvalidArgumentError (PAGE_TOKEN_INVALID) if the token is of another listing.
        """
        after = self._tokens.read(request.page_token, _list_key(request))
        if after is None:
            return 0
        for index, node in enumerate(nodes):
            if node.category_no == after[0]:
                return index + 1
        raise invalid_page_token()


def _list_key(request: ListCategoriesRequest) -> bytes:
    parent = request.parent.SerializeToString(deterministic=True)
    return hashlib.blake2b(parent, digest_size=LIST_KEY_BYTES, person=b"vitrine-branch").digest()
