"""Queries in the search engine's language."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.candidates.catalog.attribute_terms import attribute_term
from services.candidates.elastic.document import keyword
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


# A search goes by no more features of a history: all of them count in the similarities.
_FEATURES_ASKED: Final = 100


def similar_items_query(
    features: Sequence[Sequence[str]],
    shares: NDArray[np.float64],
    weights: Mapping[str, float],
    asked: Collection[str],
    eligibility: Eligibility,
) -> dict[str, Any] | None:
    """Returns what finds items by the features of some, each of which counts as its share; None: they have none. Of the
    features those `asked` are gone by, of which the weightiest where they are many.
    """
    profile: dict[str, float] = {}
    for row, share in zip(features, shares, strict=True):
        length = sum(weights[feature] ** 2 for feature in row) ** 0.5
        for feature in row:
            # What sharing it adds to the product of profile and item, but for the item's own length.
            profile[feature] = profile.get(feature, 0.0) + share * weights[feature] ** 2 / length
    if not profile:
        return None
    weightiest = sorted(asked, key=lambda feature: (-profile[feature], feature))[:_FEATURES_ASKED]
    should = [
        {"constant_score": {"filter": {"term": {"features": feature}}, "boost": max(profile[feature], 1e-6)}}
        for feature in weightiest
    ]
    return {
        "function_score": {
            "query": {"bool": {"should": should, "minimum_should_match": 1, **eligible(eligibility)}},
            "functions": [{"field_value_factor": {"field": "slenderness", "missing": 1}}],
            "boost_mode": "multiply",
        }
    }
