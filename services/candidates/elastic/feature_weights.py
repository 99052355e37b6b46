import math
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Final

from services.candidates.elastic.cluster import Cluster
from services.candidates.elastic.features import field_weight

_KEPT: Final = 500_000
_KEPT_SECONDS: Final = 600.0
_ASKED: Final = 2_000


class FeatureWeights:
    """What features weigh: their field's weight times their rarity, ln(1 + items / items with it), as the index counts.

    Asked of the index once and kept for ten minutes: rarities change slowly.
    """

    def __init__(self, cluster: Cluster, index: str, elapsed_clock: Callable[[], float]) -> None:
        self._cluster = cluster
        self._index = index
        self._clock = elapsed_clock
        self._weights: dict[str, float] = {}
        self._since = elapsed_clock()

    async def of(self, features: Iterable[str]) -> dict[str, float]:
        """Returns the weight of each feature."""
        if len(self._weights) > _KEPT or self._clock() - self._since > _KEPT_SECONDS:
            self._weights, self._since = {}, self._clock()
        wanted = set(features)
        unknown = iter(sorted(wanted - self._weights.keys()))
        found = {feature: self._weights[feature] for feature in wanted & self._weights.keys()}
        while part := list(islice(unknown, _ASKED)):
            asked = await self._ask(part)
            found |= asked
            self._weights.update(asked)
        return found

    def forget(self) -> None:
        """Forgets all: another index answers."""
        self._weights = {}

    async def _ask(self, features: list[str]) -> dict[str, float]:
        answer = await self._cluster.ask(
            lambda client: client.termvectors(
                index=self._index,
                doc={"features": features},
                fields=["features"],
                term_statistics=True,
                field_statistics=True,
                positions=False,
                offsets=False,
                payloads=False,
            )
        )
        told = answer["term_vectors"].get("features", {})
        count = max(1, told.get("field_statistics", {}).get("doc_count", 0))
        holders = {feature: term.get("doc_freq", 0) for feature, term in told.get("terms", {}).items()}
        return {
            feature: field_weight(feature) * math.log1p(count / max(1, holders.get(feature, 0))) for feature in features
        }
