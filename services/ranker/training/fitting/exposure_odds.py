from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from services.ranker.inputs.exposures import EXPOSURES, NOT_SHOWN
from services.ranker.training.examples.examples import Examples

_FEW: Final = 20.0
"""As many candidates shown anywhere count for each place beside its own."""


def exposure_odds(examples: Examples, priors: NDArray[Any]) -> NDArray[np.float64]:
    """Returns by how much the log-odds of what was shown at each place are above those of `priors`, (EXPOSURES,
    actions): 0 where nothing was shown, and for actions that do not occur.
    """
    if not examples.exposures.any():
        return np.zeros((EXPOSURES, examples.labels.shape[2]))
    real = examples.real
    exposures, labels = examples.exposures[real], examples.labels[real]
    stood_for = np.bincount(exposures, np.exp(examples.offsets[real], dtype=np.float64), EXPOSURES)
    taken = np.stack([np.bincount(exposures, column, EXPOSURES) for column in labels.T], axis=1)
    stood_for[NOT_SHOWN], taken[NOT_SHOWN] = 0.0, 0.0
    anywhere = (taken.sum(axis=0) + 0.5) / (stood_for.sum() + 1.0)
    rates = (taken + _FEW * anywhere) / (stood_for[:, None] + _FEW)
    odds: NDArray[np.float64] = logit(np.clip(rates, 1e-9, 1.0 - 1e-3)) - logit(priors)
    odds[NOT_SHOWN] = 0.0
    return np.where(labels.any(axis=0), odds, 0.0)
