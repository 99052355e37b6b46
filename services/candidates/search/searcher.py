import hashlib

from services.candidates.catalog.filter_masks import FilterMasks
from services.candidates.eligibility import Eligibility
from services.candidates.marshal import eligibility_of
from services.candidates.requests import checked_page_size
from services.candidates.search.facets import ATTRIBUTE, FacetCount, without_own_facet
from services.candidates.search.find import Found, find
from services.candidates.search.search import Place, Search
from services.candidates.sources.inputs import Inputs
from services.common.paging import LIST_KEY_BYTES, PageTokens
from services.common.signing import Signer
from services.common.timestamps import timestamp_to_millis
from vitrine.candidates.v1 import candidate_service_pb2 as pb
from vitrine.common.v1.item_filter_pb2 import ItemFilter


class Searcher:
    """Answers SearchItems, page after page."""

    def __init__(self, inputs: Inputs, masks: FilterMasks, signer: Signer) -> None:
        self._inputs = inputs
        self._masks = masks
        self._tokens: PageTokens[tuple[int, float, int]] = PageTokens(signer, "candidates.search", "qdI")

    async def search(self, request: pb.SearchItemsRequest) -> pb.SearchItemsResponse:
        """Returns one page; raises InvalidArgumentError, and UnavailableError where the index does not answer."""
        count = checked_page_size(request)
        query_millis, after = timestamp_to_millis(request.query_time, "query_time"), None
        list_key = _list_key(request)
        if place := self._tokens.read(request.page_token, list_key):
            query_millis, after = place[0], Place(*place[1:])  # all pages are as of the first one's time
        excluded = list(request.excluded_item_nos)

        def admitted(item_filter: ItemFilter) -> Eligibility:
            return eligibility_of(item_filter, excluded, query_millis, self._inputs, self._masks)

        eligibility = admitted(request.filter)
        wider = {name: without_own_facet(name, request.filter) for name in request.facets}
        search = Search(
            text=request.text,
            eligibility=eligibility,
            sort=request.sort,
            count=count,
            after=after,
            facets={name: eligibility if rest is None else admitted(rest) for name, rest in wider.items()},
        )
        found = await find(self._inputs, search)
        token = self._tokens.make(list_key, (query_millis, found.end.key, found.end.item_no)) if found.end else ""
        return answer_of(found, token, self._inputs.content.version)


def _list_key(request: pb.SearchItemsRequest) -> bytes:
    same = pb.SearchItemsRequest(
        text=request.text, filter=request.filter, sort=request.sort, excluded_item_nos=request.excluded_item_nos
    )
    return hashlib.blake2b(same.SerializeToString(deterministic=True), digest_size=LIST_KEY_BYTES).digest()


def answer_of(found: Found, next_page_token: str, version: str) -> pb.SearchItemsResponse:
    """Returns a page of a search as the contract has it."""
    return pb.SearchItemsResponse(
        item_nos=found.item_nos.tolist(),
        scores=found.scores.tolist(),
        total_count=found.total,
        facets=[
            pb.Facet(name=name, values=[_value(name, counted) for counted in counts])
            for name, counts in found.facets.items()
        ],
        next_page_token=next_page_token,
        version=version,
    )


def _value(name: str, counted: FacetCount) -> pb.FacetValue:
    term, count = counted
    value = pb.FacetValue(count=count)
    if isinstance(term, str):
        value.text = term
    elif name.startswith(ATTRIBUTE) and isinstance(term, tuple):
        kind, content = term
        setattr(value.attribute, kind, content)
    elif isinstance(term, tuple):
        value.category.names.extend(term)
    return value
