from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cli.evaluation.rankings.ranking import LENGTH
from cli.evaluation.shop_view import ShopView
from services.common.progress import Progress


class Popularity:
    """What most was bought of, the same for every user."""

    name = "popularity"
    meaning = "What all customers buy most, the same for everyone."

    def __init__(self, shop: ShopView) -> None:
        self._shop = shop

    async def rank(self, user_ids: Sequence[str], progress: Progress) -> dict[str, NDArray[np.int64]]:
        return dict.fromkeys(user_ids, self._shop.popular[:LENGTH])
