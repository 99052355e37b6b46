import time
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.candidates.catalog.item_columns import ItemColumns
from services.candidates.content.alike import Alike
from services.candidates.content.content_index import MOST_MATCHES
from services.candidates.content.freshness import FRESHNESS_HALF_LIFE_DAYS, FRESHNESS_SHARE, LOW_STOCK, STOCK_SHARE
from services.candidates.content.item_words import WORD_WEIGHTS
from services.candidates.content.matches import Matches
from services.candidates.content.tokens import tokens
from services.candidates.elastic.cluster import Cluster
from services.candidates.elastic.cosines import cosines
from services.candidates.elastic.feature_weights import FeatureWeights
from services.candidates.elastic.filters import eligible
from services.candidates.elastic.indexes import Indexes
from services.candidates.eligibility import Eligibility

# The features of a history that a search goes by: the weightiest. All of them count in the similarities.
_FEATURES_ASKED: Final = 100


class ElasticIndex:
    """The content index in Elasticsearch. It finds candidates; what may be shown is checked again by the columns, which
    know of every change first, and similarities are computed from the features that come along.
    """

    def __init__(self, cluster: Cluster, indexes: Indexes, columns: ItemColumns) -> None:
        self._cluster = cluster
        self._indexes = indexes
        self._columns = columns
        self._weights = FeatureWeights(cluster, indexes.alias, time.monotonic)
        self._serving = ""
        self._offset = 0

    @property
    def version(self) -> str:
        return f"{self._serving}@{self._offset}" if self._serving else ""

    def unready(self) -> str:
        if not self._serving:
            return "Elasticsearch has no index of the items yet"
        return self._cluster.fault

    async def look(self) -> None:
        """Sees which index answers, and how far it is; to be called again and again."""
        current = await self._indexes.current()
        name = current.name if current else ""
        if name != self._serving:
            self._weights.forget()
        self._offset = await self._indexes.offset(name) if name else 0
        self._serving = name

    async def alike(
        self, item_nos: NDArray[np.uint32], weights: NDArray[np.float64], count: int, eligibility: Eligibility
    ) -> Alike:
        history = await self._features_of(item_nos)
        if not any(history):
            return Alike.nothing(len(item_nos))
        feature_weights = await self._weights.of(feature for row in history for feature in row)
        profile: dict[str, float] = {}
        for row, weight in zip(history, weights, strict=True):
            length = sum(feature_weights[feature] ** 2 for feature in row) ** 0.5
            for feature in row:
                # What sharing it adds to the product of profile and item, but for the item's own length.
                profile[feature] = profile.get(feature, 0.0) + weight * feature_weights[feature] ** 2 / length
        asked = sorted(profile, key=lambda feature: (-profile[feature], feature))[:_FEATURES_ASKED]
        should = [
            {"constant_score": {"filter": {"term": {"features": feature}}, "boost": max(profile[feature], 1e-6)}}
            for feature in asked
        ]
        query = {
            "function_score": {
                "query": {"bool": {"should": should, "minimum_should_match": 1, **eligible(eligibility)}},
                "functions": [{"field_value_factor": {"field": "slenderness", "missing": 1}}],
                "boost_mode": "multiply",
            }
        }
        hits = await self._search(query, count, ["features"])
        found = np.array([int(hit["_id"]) for hit in hits], np.uint32)
        admitted = np.flatnonzero(self._same(found, hits) & eligibility.admits(found))
        features = [hits[place]["fields"]["features"] for place in admitted]
        feature_weights |= await self._weights.of({feature for row in features for feature in row} - profile.keys())
        return Alike(found[admitted], cosines(features, history, feature_weights))

    async def match(self, text: str, eligibility: Eligibility, count: int) -> Matches:
        if not tokens(text):
            return Matches.nothing()
        words = {
            "multi_match": {
                "query": text,
                "type": "cross_fields",
                "fields": [f"{field}_words^{weight}" for field, weight in WORD_WEIGHTS.items()],
                "analyzer": "shop",
                "minimum_should_match": "2<75%",
            }
        }
        query = {
            "function_score": {
                "query": {"bool": {"must": [words], **eligible(eligibility)}},
                "functions": _merits(eligibility.query_millis),
                "score_mode": "sum",
                "boost_mode": "multiply",
            }
        }
        hits = await self._search(query, min(count, MOST_MATCHES), [])
        found = np.array([int(hit["_id"]) for hit in hits], np.uint32)
        relevance = np.array([hit["_score"] for hit in hits], np.float32)
        admitted = self._same(found, hits) & eligibility.admits(found)
        return Matches.best(found[admitted], relevance[admitted], count)

    async def _features_of(self, item_nos: NDArray[np.uint32]) -> list[Sequence[str]]:
        answer = await self._cluster.ask(
            lambda client: client.mget(
                index=self._indexes.alias, ids=[str(item_no) for item_no in item_nos], source_includes=["features"]
            )
        )
        return [doc.get("_source", {}).get("features", []) for doc in answer["docs"]]

    async def _search(self, query: dict[str, Any], count: int, fields: list[str]) -> list[dict[str, Any]]:
        answer = await self._cluster.ask(
            lambda client: client.search(
                index=self._indexes.alias,
                query=query,
                size=count,
                source=False,
                docvalue_fields=[{"field": field} for field in ("digest", *fields)],
                track_total_hits=False,
                filter_path=["hits.hits._id", "hits.hits._score", "hits.hits.fields"],
            )
        )
        hits: list[dict[str, Any]] = answer.get("hits", {}).get("hits", [])
        return hits

    def _same(self, item_nos: NDArray[np.uint32], hits: Sequence[dict[str, Any]]) -> NDArray[np.bool_]:
        """Returns which numbers stand for the same items here and in the index: one of another shop's has others."""
        digests = np.array([hit["fields"]["digest"][0] for hit in hits], np.int64)
        known = item_nos < self._columns.capacity
        same: NDArray[np.bool_] = known & (self._columns.digests[np.where(known, item_nos, 0)] == digests)
        return same


def _merits(query_millis: int) -> list[dict[str, Any]]:
    """Returns what relevance is multiplied by the sum of: freshness as in `content/freshness.py`, and enough stock."""
    fading = {"origin": str(query_millis), "scale": f"{FRESHNESS_HALF_LIFE_DAYS}d", "decay": 0.5}
    low = {"bool": {"must_not": [{"range": {"stock": {"lt": LOW_STOCK}}}]}}
    return [
        {"weight": 1 - FRESHNESS_SHARE - STOCK_SHARE},
        {"exp": {"new_since": fading}, "weight": FRESHNESS_SHARE},
        {"filter": low, "weight": STOCK_SHARE},
    ]
