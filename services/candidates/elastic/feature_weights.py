import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate, islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.candidates.elastic.cluster import Cluster
from services.candidates.elastic.document import field_weight

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


def cosines(
    found: Sequence[Sequence[str]], history: Sequence[Sequence[str]], weights: Mapping[str, float]
) -> NDArray[np.float32]:
    """Returns float32[found, history]: Σ_l w_l² f_kl f_jl / (√Σ_l w_l² f_kl² √Σ_l w_l² f_jl²), 0 to 1, of the items'
    features; 0 where an item has none.
    """
    columns = {feature: place for place, feature in enumerate(sorted({name for row in history for name in row}))}
    return np.minimum(_units(found, columns, weights) @ _units(history, columns, weights).T, 1.0).astype(np.float32)


def _units(
    rows: Sequence[Sequence[str]], columns: Mapping[str, int], weights: Mapping[str, float]
) -> NDArray[np.float64]:
    """Returns float64[rows, columns]: each row over its own length, which features outside `columns` are part of."""
    units = np.zeros((len(rows), len(columns)))
    for place, row in enumerate(rows):
        length = sum(weights[feature] ** 2 for feature in row) ** 0.5
        for feature in row:
            column = columns.get(feature)
            if column is not None:
                units[place, column] = weights[feature] / length
    return units
