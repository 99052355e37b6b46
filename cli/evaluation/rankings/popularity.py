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


class PersonalFrequency:
    """What the user bought most often, the last bought first among equals, then what all buy."""

    name = "personal frequency"
    meaning = "What this customer bought most often so far."

    def __init__(self, shop: ShopView) -> None:
        self._shop = shop

    async def rank(self, user_ids: Sequence[str], progress: Progress) -> dict[str, NDArray[np.int64]]:
        return {user_id: self._of(user_id) for user_id in user_ids}

    def _of(self, user_id: str) -> NDArray[np.int64]:
        counters = self._shop.users[user_id].counters
        item_nos, counts = np.array(counters.item_nos, np.int64), np.array(counters.purchase_counts, np.int64)
        order = np.lexsort((-np.array(counters.last_purchase_millis, np.int64), -counts))
        own = item_nos[order][counts[order] > 0]
        own = own[np.isin(own, self._shop.shown_item_nos)][:LENGTH]
        popular = self._shop.popular[: 2 * LENGTH]
        return np.concatenate([own, popular[~np.isin(popular, own)]])[:LENGTH]
