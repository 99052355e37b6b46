"""The weights of the linear scorer: the last published ones, or the defaults here."""

import asyncio
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import structlog
from numpy.typing import NDArray

from services.common.artifacts import ArtifactStore
from services.ranker.inputs.candidate_features import FEATURE_NAMES

ARTIFACT: Final = "linear"
FILE: Final = "linear.json"
BIAS: Final = "bias"
"""A key among the features' names in linear.json; 0 if absent."""

DEFAULTS: Final[Mapping[str, float]] = {
    BIAS: -6.0,
    # Repeat purchases count most, then recent interest, affinities, and popularity.
    "purchases_decayed_60d_log": 1.5,
    "purchases_log": 0.5,
    "in_cart": 1.0,
    "favorite": 0.8,
    "interest_decayed_7d_log": 0.8,
    "leaf_affinity_share": 2.0,
    "root_affinity_share": 0.5,
    "brand_affinity_share": 0.5,
    "group_purchases_decayed_log": 0.3,
    "popularity_7d_log": 0.3,
    "popularity_30d_log": 0.2,
    "impressions_log": -0.3,
}
"""Reasonable for any shop, optimal for none: used until a training publishes better ones."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Weights:
    """float32[features] in the order of FEATURE_NAMES, and the bias."""

    coefficients: NDArray[np.float32]
    bias: float
    version: str = ""

    @classmethod
    def of(cls, by_name: Mapping[str, Any], version: str = "") -> "Weights":
        """Reads {feature: weight}; a missing feature has 0. Raises ValueError for unknown names or invalid numbers."""
        if strange := by_name.keys() - {*FEATURE_NAMES, BIAS}:
            raise ValueError(f"there are no features {', '.join(sorted(strange))}")
        for name, weight in by_name.items():
            if isinstance(weight, bool) or not isinstance(weight, int | float) or not math.isfinite(weight):
                raise ValueError(f"the weight of {name} is not a finite number")
        coefficients = np.array([by_name.get(name, 0.0) for name in FEATURE_NAMES], np.float32)
        return cls(coefficients, float(by_name.get(BIAS, 0.0)), version)


class LinearWeights:
    """Holds the present weights. What is published and does not fit is refused: the former ones stay."""

    def __init__(self, store: ArtifactStore) -> None:
        self._store = store
        self._seen = ""
        self.present = Weights.of(DEFAULTS)

    async def refresh(self) -> None:
        """Takes over what was published since the last time. Raises what makes it unfit, once per version."""
        artifact = await asyncio.to_thread(self._store.current, ARTIFACT)
        if artifact is None or artifact.version == self._seen:
            return
        self._seen = artifact.version
        self.present = await asyncio.to_thread(_read, artifact.path / FILE, artifact.version)
        _log.info("linear_weights_loaded", version=artifact.version)


def _read(path: Path, version: str) -> Weights:
    by_name = json.loads(path.read_bytes())
    if not isinstance(by_name, dict):
        raise ValueError(f"{FILE} is not a JSON object of features and weights")  # the content is wrong
    return Weights.of(by_name, version)
