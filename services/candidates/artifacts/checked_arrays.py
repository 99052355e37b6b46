"""Reads an artifact's arrays, and checks that they are whole and of this catalog."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.candidates.catalog.item_columns import ItemColumns


class ArtifactRefusedError(Exception):
    """An artifact that must not be served from; the message says why and is shown to operators."""


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


def check_fit(columns: ItemColumns, item_nos: NDArray[np.uint32], digests: NDArray[np.uint32] | None) -> None:
    """Refuses item numbers that are not this catalog's.

    Numbers are handed out once and never reused, so each stands for one id for ever. `digests` (see `item_digest`;
    None: the artifact has none) tell another catalog's numbers even where they are in range.
    """
    if not len(item_nos):
        raise ArtifactRefusedError("it is empty")
    if int(item_nos.max()) > columns.highest_item_no or int(item_nos.min()) == 0:
        raise ArtifactRefusedError("made for another catalog: it has item numbers that this one never gave out")
    if len(np.unique(item_nos)) != len(item_nos):
        raise ArtifactRefusedError("an item is in it twice")
    if digests is None:
        return
    if len(digests) != len(item_nos):
        raise ArtifactRefusedError(f"it has {len(digests)} digests for {len(item_nos)} items")
    known = columns.digests[item_nos]
    if not np.array_equal(known[known > 0], digests[known > 0]):
        raise ArtifactRefusedError("made for another catalog: its item numbers stand for other items")
