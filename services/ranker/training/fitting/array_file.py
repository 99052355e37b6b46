from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from services.common.atomic_files import sync


def write_arrays(path: Path, arrays: Mapping[str, Any]) -> None:
    """Writes a file that `np.load` reads in the place of a former one; others see it whole. Its folder is made.

    It goes to the disk array by array, never whole in memory as by `write_atomically`. One writer at a time: what a
    killed one left aside the next writes over. Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}")
    with aside.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
    sync(aside)
    aside.replace(path)
