from services.candidates.catalog.filter_masks import FilterMasks
from services.candidates.eligibility import Eligibility
from services.candidates.marshal import eligibility_of
from services.candidates.search.answer import answer_of
from services.candidates.search.find import find
from services.candidates.search.own_choice import without_own_choice
from services.candidates.search.page_token import from_token, to_token
from services.candidates.search.search import Search
from services.candidates.search.validate import page_size
from services.candidates.sources.inputs import Inputs
from services.common.signing import Signer
from services.common.timestamps import timestamp_to_millis
from vitrine.candidates.v1 import candidate_service_pb2 as pb
from vitrine.common.v1.item_filter_pb2 import ItemFilter


class Searcher:
    """Answers SearchItems, page after page."""

    def __init__(self, inputs: Inputs, masks: FilterMasks, signer: Signer) -> None:
        self._inputs = inputs
        self._masks = masks
        self._signer = signer

    async def search(self, request: pb.SearchItemsRequest) -> pb.SearchItemsResponse:
        """Returns one page; raises InvalidArgumentError, and UnavailableError where the index does not answer."""
        count = page_size(request)
        query_millis, after = timestamp_to_millis(request.query_time, "query_time"), None
        if request.page_token:
            query_millis, after = from_token(self._signer, request)
        excluded = list(request.excluded_item_nos)

        def admitted(item_filter: ItemFilter) -> Eligibility:
            return eligibility_of(item_filter, excluded, query_millis, self._inputs, self._masks)

        eligibility = admitted(request.filter)
        wider = {name: without_own_choice(name, request.filter) for name in request.facets}
        search = Search(
            text=request.text,
            eligibility=eligibility,
            sort=request.sort,
            count=count,
            after=after,
            facets={name: eligibility if rest is None else admitted(rest) for name, rest in wider.items()},
        )
        found = await find(self._inputs, search)
        token = to_token(self._signer, request, query_millis, found.end) if found.end else ""
        return answer_of(found, token, self._inputs.content.version)
