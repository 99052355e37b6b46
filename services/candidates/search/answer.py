from services.candidates.search.facets import ATTRIBUTE, FacetCount
from services.candidates.search.find import Found
from vitrine.candidates.v1 import candidate_service_pb2 as pb


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
