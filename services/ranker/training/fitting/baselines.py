"""The rankings that a model has to beat, from single candidate features."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.ranker.inputs.candidate_features import FEATURE_NAMES
from services.ranker.training.examples.examples import Examples

_POPULARITY: Final = "popularity_30d_log"
_ABOVE_ALL: Final = 1e3

BASELINES: Final = {
    "popularity": _POPULARITY,
    "personal_frequency": "purchases_log",
    "decayed_frequency": "purchases_decayed_60d_log",
}
"""Each is the order by one feature; equal ones by popularity."""


def baseline_scores(examples: Examples, name: str) -> NDArray[np.float64]:
    """Returns the scores of a baseline, (E, N)."""
    features = examples.inputs["candidate_features"].astype(np.float64)
    popularity = features[..., FEATURE_NAMES.index(_POPULARITY)]
    return features[..., FEATURE_NAMES.index(BASELINES[name])] * _ABOVE_ALL + popularity
