"""Items from items by a linear model in closed form (Steck, "Embarrassingly Shallow Autoencoders", 2019)."""

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import get_lapack_funcs

Float = TypeVar("Float", np.float32, np.float64)


def ease_weights(gram: NDArray[Float], penalty: float) -> NDArray[Float]:
    """Returns what each item (row) says of each other: P = (G + penalty I)⁻¹, B = -P / diag P, diagonal 0.

    `gram` is G = XᵀX, (items, items), of X (users, items). In Fortran's order it is worked on in place, and lost.
    """
    if not len(gram):
        return gram
    functions: Any = get_lapack_funcs(("potrf", "potri"), (gram,))
    factorized, inverted = functions
    gram = np.asfortranarray(gram)
    gram[np.diag_indices(len(gram))] += gram.dtype.type(penalty)
    factor, failed = factorized(gram, lower=0, overwrite_a=1)
    inverse, failed_too = inverted(factor, lower=0, overwrite_c=1)
    if failed or failed_too:
        raise ValueError("the items' Gram matrix has no inverse")  # cannot be: the penalty is above 0
    weights: NDArray[Float] = inverse.T  # its lower half is filled
    for item in range(len(weights)):
        weights[item, item + 1 :] = weights[item + 1 :, item]
    weights /= -np.diag(weights).copy()
    np.fill_diagonal(weights, 0.0)
    return weights
