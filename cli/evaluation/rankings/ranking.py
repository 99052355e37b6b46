from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from services.common.progress import Progress

LENGTH: Final = 10
"""How many places are looked at: about what a first screen shows."""


class Ranking(Protocol):
    """One way of ordering the shop for users."""

    name: str
    """As it stands in tables: "served feed"."""

    meaning: str
    """What it does, in one plain sentence."""

    async def rank(self, user_ids: Sequence[str], progress: Progress) -> dict[str, NDArray[np.int64]]:
        """The item numbers of each user's first `LENGTH` places, or fewer where there are not that many."""
