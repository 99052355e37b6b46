from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.ranker.training.examples import Examples
from services.ranker.training.next_visit import ACTIONS


def calibration(examples: Examples, probabilities: NDArray[Any]) -> dict[str, float]:
    """Returns expected over observed counts of each action that occurs, from (E, N, actions): 1 is right."""
    real = examples.real
    expected = np.where(real[..., None], probabilities, 0.0).sum(axis=(0, 1), dtype=np.float64)
    observed = examples.labels.sum(axis=(0, 1), dtype=np.float64)
    return {
        action: round(float(expected[place] / observed[place]), 4)
        for place, action in enumerate(ACTIONS)
        if observed[place]
    }
