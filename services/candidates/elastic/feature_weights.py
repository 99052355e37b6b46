import math
from collections.abc import Callable, Iterable
from itertools import accumulate, islice
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
        self._holders: dict[str, int] = {}
        self._since = elapsed_clock()

    async def of(self, features: Iterable[str]) -> dict[str, float]:
        """Returns the weight of each feature."""
        if len(self._weights) > _KEPT or self._clock() - self._since > _KEPT_SECONDS:
            self.forget()
        wanted = set(features)
        unknown = iter(sorted(wanted - self._weights.keys()))
        found = {feature: self._weights[feature] for feature in wanted & self._weights.keys()}
        while part := list(islice(unknown, _ASKED)):
            await self._ask(part)
            found |= {feature: self._weights[feature] for feature in part}
        return found

    def rarest(self, features: Iterable[str], holders: int) -> list[str]:
        """Returns those of the features just weighed that the fewest items have, the rarest first: as many as are had
        by so many items together, and one at least.
        """
        ascending = sorted(features, key=lambda feature: (self._holders.get(feature, 0), feature))
        together = accumulate(self._holders.get(feature, 0) for feature in ascending)
        return ascending[: max(1, sum(count <= holders for count in together))]

    def forget(self) -> None:
        """Forgets all: another index answers, or rarities may have changed."""
        self._weights, self._holders, self._since = {}, {}, self._clock()

    async def _ask(self, features: list[str]) -> None:
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
        terms = told.get("terms", {})
        for feature in features:
            holders = max(1, terms.get(feature, {}).get("doc_freq", 0))
            self._holders[feature] = holders
            self._weights[feature] = field_weight(feature) * math.log1p(count / holders)
