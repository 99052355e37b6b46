from collections.abc import Mapping
from dataclasses import dataclass, field

from services.candidates.eligibility import Eligibility
from vitrine.candidates.v1.candidate_service_pb2 import SearchSort


@dataclass(frozen=True, slots=True)
class Place:
    """Where in an order a page ended: the last item's sort key and number."""

    key: float
    item_no: int


@dataclass(frozen=True, slots=True)
class Search:
    """What is searched for. `after` is where the page before ended.

    `facets` says by name, as of SearchItemsRequest, which items each counts: the search's own, or those that were found
    without what was chosen of the facet itself.
    """

    text: str
    eligibility: Eligibility
    sort: SearchSort.ValueType
    count: int
    after: Place | None = None
    facets: Mapping[str, Eligibility] = field(default_factory=dict)
