"""Reads and checks an artifact's arrays."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.candidates.artifacts.refusal import ArtifactRefusedError


def read_array(folder: Path, name: str, dtype: type[np.generic], dimensions: int) -> NDArray[Any]:
    """Returns the array; refuses one that is missing, broken, of another kind or shape, or not finite."""
    try:
        array: NDArray[Any] = np.load(folder / f"{name}.npy", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ArtifactRefusedError(f"{name}.npy cannot be read ({type(error).__name__})") from error
    if array.ndim != dimensions or not np.can_cast(array.dtype, dtype, "same_kind"):
        raise ArtifactRefusedError(
            f"{name}.npy is {array.dtype}{list(array.shape)}, not {np.dtype(dtype)} in {dimensions}-d"
        )
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ArtifactRefusedError(f"{name}.npy holds numbers that are not finite")
    return array.astype(dtype, copy=False)
