import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.candidates.catalog.item_columns import ItemColumns
from services.candidates.content.content_index import MOST_MATCHES, Matches, SimilarItems
from services.candidates.content.freshness import FRESHNESS_HALF_LIFE_DAYS, FRESHNESS_SHARE, LOW_STOCK, STOCK_SHARE
from services.candidates.content.item_terms import tokens
from services.candidates.content.item_words import WORD_WEIGHTS
from services.candidates.content.segment import POSTINGS_READ
from services.candidates.elastic.cluster import Cluster
from services.candidates.elastic.elastic_vectors import MOST_FOUND, ElasticVectors
from services.candidates.elastic.feature_weights import FeatureWeights, cosines
from services.candidates.elastic.indexes import Indexes
from services.candidates.elastic.queries import eligible, similar_items_query
from services.candidates.eligibility import Eligibility
from services.candidates.vectors.blend import Part, blended, lengths
from services.candidates.vectors.named_vectors import VectorStatus
from services.common.direction import units


class ElasticIndex:
    """The content index in Elasticsearch. It finds candidates; what may be shown is checked again by the columns, which
    know of every change first, and similarities are computed from the features that come along.
    """

    def __init__(self, cluster: Cluster, indexes: Indexes, columns: ItemColumns, vectors: ElasticVectors) -> None:
        self._cluster = cluster
        self._indexes = indexes
        self._columns = columns
        self._vectors = vectors
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

    def vectors(self) -> Sequence[VectorStatus]:
        return self._vectors.statuses

    async def look(self) -> None:
        """Sees which index answers, how far it is and which vectors it has; to be called again and again."""
        current = await self._indexes.current()
        name = current.name if current else ""
        if name != self._serving:
            self._weights.forget()
        self._offset = await self._indexes.offset(name) if name else 0
        await self._vectors.look(name, current.vector_fields if current else ())
        self._serving = name

    async def similar(
        self, item_nos: NDArray[np.uint32], weights: NDArray[np.float64], count: int, eligibility: Eligibility
    ) -> SimilarItems:
        history = await self._documents(item_nos)
        features = [document.get("features", []) for document in history]
        known = np.array([len(row) > 0 for row in features], np.bool_)
        used = [(one, rows) for one in self._vectors.used if (rows := units(one.field.directions(history))).any()]
        if not known.any() and not used:
            return SimilarItems.nothing(len(item_nos))
        shares = weights / lengths(known, ((one.weight, rows) for one, rows in used)).clip(1e-9)
        feature_weights = await self._weights.of(feature for row in features for feature in row)
        knn = self._vectors.clauses(
            {one.field: (shares @ rows).astype(np.float32) for one, rows in used}, count, eligibility
        )
        rare = self._weights.rarest(feature_weights, POSTINGS_READ)
        hits = await self._search(
            similar_items_query(features, shares, feature_weights, rare, eligibility),
            min(count * (1 + len(knn)), MOST_FOUND),
            ["features", *(one.field.kept for one, _ in used)],
            knn,
        )
        found = _item_nos(hits)
        admitted = np.flatnonzero(self._same(found, hits) & eligibility.admits(found))
        documents = [hits[place]["fields"] for place in admitted]
        own = [document.get("features", []) for document in documents]
        feature_weights |= await self._weights.of({feature for row in own for feature in row} - feature_weights.keys())
        similarities = blended(
            cosines(own, features, feature_weights),
            np.array([len(row) > 0 for row in own], np.bool_),
            known,
            [Part(one.weight, units(one.field.directions(documents)), rows) for one, rows in used],
        )
        return SimilarItems(found[admitted], similarities)

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
        hits = await self._search(query, min(count, MOST_MATCHES))
        found = _item_nos(hits)
        relevance = np.array([hit["_score"] for hit in hits], np.float32)
        admitted = self._same(found, hits) & eligibility.admits(found)
        return Matches.best(found[admitted], relevance[admitted], count)

    async def _documents(self, item_nos: NDArray[np.uint32]) -> list[dict[str, Any]]:
        """Returns what makes each of the items alike to others; nothing for one that the index does not have."""
        fields = ["features", *(one.field.kept for one in self._vectors.used)]
        answer = await self._cluster.ask(
            lambda client: client.mget(
                index=self._indexes.alias, ids=[str(item_no) for item_no in item_nos], source_includes=fields
            )
        )
        return [doc.get("_source", {}) for doc in answer["docs"]]

    async def _search(
        self,
        query: dict[str, Any] | None,
        count: int,
        fields: Sequence[str] = (),
        knn: Sequence[Mapping[str, Any]] = (),
    ) -> list[dict[str, Any]]:
        answer = await self._cluster.ask(
            lambda client: client.search(
                index=self._indexes.alias,
                query=query,
                knn=knn or None,
                size=count,
                # All that is read lies in columns: for _id alone every hit's document would be unpacked.
                stored_fields="_none_",
                docvalue_fields=[{"field": field} for field in ("item_no", "digest", *fields)],
                track_total_hits=False,
                filter_path=["hits.hits._score", "hits.hits.fields"],
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


def _item_nos(hits: Sequence[dict[str, Any]]) -> NDArray[np.uint32]:
    return np.array([hit["fields"]["item_no"][0] for hit in hits], np.uint32)


def _merits(query_millis: int) -> list[dict[str, Any]]:
    """Returns what relevance is multiplied by the sum of: freshness as in `content/freshness.py`, and enough stock."""
    fading = {"origin": str(query_millis), "scale": f"{FRESHNESS_HALF_LIFE_DAYS}d", "decay": 0.5}
    low = {"bool": {"must_not": [{"range": {"stock": {"lt": LOW_STOCK}}}]}}
    return [
        {"weight": 1 - FRESHNESS_SHARE - STOCK_SHARE},
        {"exp": {"new_since": fading}, "weight": FRESHNESS_SHARE},
        {"filter": low, "weight": STOCK_SHARE},
    ]
