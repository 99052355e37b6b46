from typing import Final

from services.candidates.requests import MAXIMUM_EXCLUDED
from services.candidates.search.facets import ATTRIBUTE, PROPERTIES
from services.common.paging import page_size
from services.common.validation import Violations
from vitrine.candidates.v1 import candidate_service_pb2 as pb

_MAXIMUM_PAGE: Final = 200
_USUAL_PAGE: Final = 24
_MAXIMUM_TEXT: Final = 500
_MAXIMUM_FACETS: Final = 20


def checked_page_size(request: pb.SearchItemsRequest) -> int:
    """Returns how many items to return; raises InvalidArgumentError if the request is invalid."""
    violations = Violations()
    if not request.HasField("query_time"):
        violations.required("query_time", None, "send the time of the request")
    size = page_size(request.page_size, default=_USUAL_PAGE, largest=_MAXIMUM_PAGE, violations=violations)
    if len(request.text) > _MAXIMUM_TEXT:
        violations.add(
            "text", f"has {len(request.text)} characters; send at most {_MAXIMUM_TEXT}", reason="TEXT_TOO_LONG"
        )
    if request.sort not in pb.SearchSort.values():
        violations.add("sort", f"is {request.sort}; send one of SearchSort", reason="UNKNOWN_SORT")
    violations.at_most("facets", request.facets, _MAXIMUM_FACETS, "send those that are shown")
    violations.at_most("excluded_item_nos", request.excluded_item_nos, MAXIMUM_EXCLUDED, "send the most recent ones")
    for index, name in enumerate(request.facets):
        if name not in PROPERTIES and not (name.startswith(ATTRIBUTE) and name != ATTRIBUTE):
            violations.add(
                f"facets[{index}]",
                f"is {name!r}; send one of {', '.join(PROPERTIES)}, or {ATTRIBUTE} with an attribute's name",
                reason="UNKNOWN_FACET",
            )
    violations.raise_if_any()
    return size
