from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Profiles:
    """Items as unit vectors of weighted features, to compare others with: `features` int32[n] ascending, `values`
    float32[items, n], and `known` bool[items]: which have any.
    """

    features: NDArray[np.int32]
    values: NDArray[np.float32]
    known: NDArray[np.bool_]
