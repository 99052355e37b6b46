from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray


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
