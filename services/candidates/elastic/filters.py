from typing import Any

from services.candidates.catalog.attribute_terms import attribute_term
from services.candidates.elastic.keywords import keyword
from services.candidates.eligibility import Eligibility
from vitrine.common.v1.item_filter_pb2 import ItemFilter


def eligible(eligibility: Eligibility) -> dict[str, Any]:
    """Returns the parts of a `bool` query that every search has: what may be answered with, as far as the index
    knows.
    """
    at = eligibility.query_millis
    clauses: list[dict[str, Any]] = [
        {"term": {"eligible": True}},
        {"range": {"available_from": {"lte": at}}},
        {"bool": {"should": [{"term": {"available_until": 0}}, {"range": {"available_until": {"gt": at}}}]}},
        *_chosen(eligibility.item_filter),
    ]
    excluded = eligibility.excluded_item_nos.tolist()
    return {"filter": clauses, "must_not": [{"terms": {"item_no": excluded}}] if excluded else []}


def _chosen(item_filter: ItemFilter) -> list[dict[str, Any]]:
    clauses: list[dict[str, Any]] = []
    for field, values in (
        ("categories", [keyword(tuple(path.names)) for path in item_filter.categories]),
        ("brand", [keyword(brand) for brand in item_filter.brands]),
        ("kind", list(item_filter.kinds)),
        ("creator", [keyword(creator) for creator in item_filter.creators]),
    ):
        if values:
            clauses.append({"terms": {field: values}})
    bounds = {}
    if item_filter.HasField("minimum_price"):
        bounds["gte"] = item_filter.minimum_price
    if item_filter.HasField("maximum_price"):
        bounds["lte"] = item_filter.maximum_price
    if bounds:
        clauses.append({"range": {"price": bounds}})
    for condition in item_filter.attributes:
        terms = [term for value in condition.any_of if (term := attribute_term(value)) is not None]
        if condition.any_of:  # an empty part does not restrict
            clauses.append({"terms": {"attributes": [keyword((condition.name, *term)) for term in terms]}})
    return clauses
