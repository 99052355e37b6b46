"""What makes a request invalid, and what it means where it says nothing."""

from typing import Final

from services.candidates.search.facets import ATTRIBUTE, PROPERTIES
from services.common.paging import page_size
from services.common.validation import Violations
from vitrine.candidates.v1 import candidate_service_pb2 as pb

MAXIMUM_EXCLUDED: Final = 10_000
_MAXIMUM_CANDIDATES: Final = 2_000
_USUAL_CANDIDATES: Final = 400
_MAXIMUM_SIMILAR: Final = 500
_USUAL_SIMILAR: Final = 50
_USUAL_TOGETHER: Final = 20
_MAXIMUM_BASKET: Final = 100


def candidate_limit(request: pb.RetrieveCandidatesRequest) -> int:
    """Returns how many are wanted; raises InvalidArgumentError where the request is invalid."""
    violations = Violations()
    for index, quota in enumerate(request.quotas):
        if quota.quota < 0:
            violations.add(
                f"quotas[{index}].quota", f"is {quota.quota}; send 0 to turn the source off, or a positive number"
            )
        if quota.HasField("weight") and not 0 <= quota.weight < float("inf"):
            violations.add(f"quotas[{index}].weight", f"is {quota.weight}; send a finite number from 0 on")
    _check(violations, request)
    violations.raise_if_any()
    return min(request.limit or _USUAL_CANDIDATES, _MAXIMUM_CANDIDATES)


def similar_limit(request: pb.ListSimilarItemsRequest) -> int:
    """Returns how many are wanted; raises InvalidArgumentError where the request is invalid."""
    violations = Violations()
    if not request.item_no:
        violations.identifier("item_id", request.item_id)
    _check(violations, request)
    violations.raise_if_any()
    return min(request.limit or _USUAL_SIMILAR, _MAXIMUM_SIMILAR)


def together_limit(request: pb.ListBoughtTogetherRequest) -> int:
    """Returns how many are wanted; raises InvalidArgumentError where the request is invalid."""
    violations = Violations()
    if not request.item_ids and not request.item_nos:
        violations.add("item_ids", "is empty; name the items of the basket, by id or in item_nos by number")
    for index, item_id in enumerate(request.item_ids):
        violations.identifier(f"item_ids[{index}]", item_id)
    for field in ("item_ids", "item_nos"):
        violations.at_most(field, getattr(request, field), _MAXIMUM_BASKET, "send the ones added last")
    _check(violations, request)
    violations.raise_if_any()
    return min(request.limit or _USUAL_TOGETHER, _MAXIMUM_SIMILAR)


def _check(
    violations: Violations,
    request: pb.RetrieveCandidatesRequest | pb.ListSimilarItemsRequest | pb.ListBoughtTogetherRequest,
) -> None:
    if not request.HasField("query_time"):
        violations.required("query_time", None, "send the time of the request")
    if request.limit < 0:
        violations.add(
            "limit", f"is {request.limit}; send a positive number, or 0 for the usual one", reason="OUT_OF_RANGE"
        )
    violations.at_most("excluded_item_nos", request.excluded_item_nos, MAXIMUM_EXCLUDED, "send the most recent ones")
    for field in ("minimum_price", "maximum_price"):
        if request.filter.HasField(field):
            violations.finite(f"filter.{field}", getattr(request.filter, field))


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
