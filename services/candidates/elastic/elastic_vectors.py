import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.candidates.elastic.cluster import Cluster
from services.candidates.elastic.queries import eligible
from services.candidates.elastic.vector_field import VectorField
from services.candidates.eligibility import Eligibility
from services.candidates.vectors.named_vectors import MOST_BLOCKS, VectorStatus
from services.common.direction import VectorFault

MOST_FOUND: Final = 10_000
"""The most that Elasticsearch looks at or gives at once."""

_BREADTH: Final = 2


@dataclass(frozen=True, slots=True)
class UsedField:
    """The vectors that items are compared by under one name."""

    name: str
    weight: float
    field: VectorField


class ElasticVectors:
    """The named vectors in the index: of each name those of the length that most items have, as counted by `look`."""

    def __init__(self, cluster: Cluster, weights: Mapping[str, float]) -> None:
        self._cluster = cluster
        self._weights = weights
        self.used: Sequence[UsedField] = ()
        self.statuses: Sequence[VectorStatus] = ()

    async def look(self, index: str, fields: Sequence[VectorField]) -> None:
        """Counts the items that have vectors, and those whose vectors were left out. Errors: UnavailableError."""
        counts, faults = await self._count(index, fields) if fields else ({}, {})
        most: dict[str, VectorField] = {}
        for field in sorted(fields, key=lambda field: (counts[field], field.dimensions)):
            if self._weight(field.name) > 0:
                most[field.name] = field
        self.used = [UsedField(name, self._weight(name), field) for name, field in sorted(most.items())]
        self.statuses = [
            VectorStatus(
                name=one.name,
                dimensions=one.field.dimensions if counts[one.field] else 0,
                weight=one.weight,
                item_count=counts[one.field],
                left_out=faults.get(one.name, {}) | _others(one.field, counts),
            )
            for one in self.used
        ]

    def clauses(
        self, vectors: Mapping[VectorField, NDArray[np.float32]], count: int, eligibility: Eligibility
    ) -> list[dict[str, Any]]:
        """Returns what finds the `count` items that point most where a vector of a name does, for each name; a hit's
        score grows with w_v² times the product of the vector and the item's.
        """
        clauses = []
        for used in self.used:
            vector = vectors.get(used.field)
            length = 0.0 if vector is None else float(np.linalg.norm(vector))
            if vector is not None and length > 0:
                clauses.append(
                    {
                        "field": used.field.searched,
                        "query_vector": (vector / length).tolist(),
                        "k": min(count, MOST_FOUND),
                        "num_candidates": min(_BREADTH * count, MOST_FOUND),
                        "filter": {"bool": eligible(eligibility)},
                        "boost": 2 * used.weight**2 * length,  # it gives (1 + cosine) / 2
                    }
                )
        return clauses

    def _weight(self, name: str) -> float:
        return self._weights.get(name, 1.0)

    async def _count(
        self, index: str, fields: Sequence[VectorField]
    ) -> tuple[dict[VectorField, int], dict[str, dict[VectorFault, int]]]:
        aggregations: dict[str, Any] = {
            str(place): {"filter": {"exists": {"field": field.kept}}} for place, field in enumerate(fields)
        }
        aggregations["faults"] = {"terms": {"field": "left_out_vectors", "size": MOST_BLOCKS * len(VectorFault)}}
        answer = await self._cluster.work(
            lambda client: client.search(index=index, size=0, aggregations=aggregations, track_total_hits=False)
        )
        told = answer["aggregations"]
        faults: dict[str, dict[VectorFault, int]] = {}
        for bucket in told["faults"]["buckets"]:
            name, fault = json.loads(bucket["key"])
            faults.setdefault(name, {})[VectorFault(fault)] = bucket["doc_count"]
        return {field: told[str(place)]["doc_count"] for place, field in enumerate(fields)}, faults


def _others(used: VectorField, counts: Mapping[VectorField, int]) -> dict[VectorFault, int]:
    """Returns how many items have vectors of the name in another length."""
    count = sum(count for field, count in counts.items() if field.name == used.name and field != used)
    return {VectorFault.ANOTHER_LENGTH: count} if count else {}
