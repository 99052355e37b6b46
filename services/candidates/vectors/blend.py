from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Part(NamedTuple):
    """The vectors of one name: its weight; of found items float32[f, d] and of history items float32[h, d] the vectors
    at length 1, zeros for an item without one.
    """

    weight: float
    found: NDArray[np.float32]
    history: NDArray[np.float32]


def lengths(features: NDArray[np.bool_], vectors: Iterable[tuple[float, NDArray[np.float32]]]) -> NDArray[np.float32]:
    """Returns float32[items]: √(1 if the item has features + Σ_v w_v² over the vectors that it has)."""
    squares = features.astype(np.float32)
    for weight, rows in vectors:
        squares += np.float32(weight**2) * rows.any(axis=1)
    root: NDArray[np.float32] = np.sqrt(squares)
    return root


def blended(
    cosines: NDArray[np.float32],
    found_features: NDArray[np.bool_],
    history_features: NDArray[np.bool_],
    parts: Iterable[Part],
) -> NDArray[np.float32]:
    """Returns float32[f, h], 0 to 1: the cosine of the items' features and named vectors together.

    An item is its features at length 1, and after them each of its vectors at length w_v. Of two of these the cosine is
    (cos + Σ_v w_v² cos_v) / (√(1 + Σ_v w_v²) √(1 + Σ_v w_v²)), where a sum at the top goes over the vectors that both
    have, one below over those that the item has: what is missing is no part of an item, and no vector of zeros. Below 0
    it counts as 0. `cosines` float32[f, h] are those of the features; the bool arrays say who has any.
    """
    parts = list(parts)
    product = cosines.copy()
    for part in parts:
        product += np.float32(part.weight**2) * (part.found @ part.history.T)
    found = lengths(found_features, ((part.weight, part.found) for part in parts))
    history = lengths(history_features, ((part.weight, part.history) for part in parts))
    divisor = found[:, None] * history
    cosine = np.zeros_like(product)
    np.divide(product, divisor, out=cosine, where=divisor > 0)
    return np.clip(cosine, 0.0, 1.0, out=cosine)
