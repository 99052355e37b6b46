"""Vectors as directions: at half precision, since a direction needs no more, and at length 1, so that the product of
two is their cosine.
"""

import math
from collections.abc import Iterable
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray


class VectorFault(StrEnum):
    """Why an item's vector is not compared; the rest of the item is."""

    ZERO = "ZERO"
    """It has no direction."""

    NOT_FINITE = "NOT_FINITE"
    """It holds NaN or infinity."""

    ANOTHER_LENGTH = "ANOTHER_LENGTH"
    """Most vectors of its name have another length."""

    NO_ROOM = "NO_ROOM"
    """The memory for vectors is full, or there are too many names and lengths."""


def direction(values: Iterable[float]) -> NDArray[np.float16] | VectorFault:
    """Returns the vector at length 1, or what keeps it from having a direction."""
    vector = np.array(values, np.float64)  # of single precision: no square is too great or too small
    length = math.sqrt(float(vector @ vector))
    if not math.isfinite(length):
        return VectorFault.NOT_FINITE
    return (vector / length).astype(np.float16) if length else VectorFault.ZERO


def units(directions: NDArray[np.float16]) -> NDArray[np.float32]:
    """Returns directions float16[n, d] as float32[n, d] of length 1, to single precision; a row of zeros stays so."""
    exact = directions.astype(np.float32)
    lengths = np.linalg.norm(exact, axis=1, keepdims=True)
    np.divide(exact, lengths, out=exact, where=lengths > 0)
    return exact
