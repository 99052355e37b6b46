"""Rankings that learn from everybody's purchases: what they share."""

from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from cli.evaluation.rankings.purchase_history import PurchaseHistory
from cli.evaluation.rankings.ranking import LENGTH
from cli.evaluation.shop_view import ShopView
from services.common.progress import Progress

BLOCK: Final = 128
"""Users whose scores of all items are held at a time."""


class HistoryScorer(Protocol):
    """Scores every item for users, from purchases alone. It is fitted where it is made."""

    name: str
    meaning: str

    def scores(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Scores of all columns of the history for some of its rows, (rows, items); 0 says nothing for an item."""


class Learned:
    """A scorer's ranking: the best scored items that a page may show; equal ones, and users without purchases, by
    popularity.
    """

    def __init__(self, scorer: HistoryScorer, history: PurchaseHistory, shop: ShopView) -> None:
        self.name = scorer.name
        self.meaning = scorer.meaning
        self._scorer = scorer
        self._rows = history.rows
        self._popular = shop.popular
        # Columns in the order of popularity: a stable sort leaves equal scores in it.
        column_of = {int(item_no): column for column, item_no in enumerate(history.item_nos)}
        self._by_popularity = np.array([column_of[no] for no in shop.popular.tolist() if no in column_of], np.int64)
        self._item_nos = history.item_nos[self._by_popularity]

    async def rank(self, user_ids: Sequence[str], progress: Progress) -> dict[str, NDArray[np.int64]]:
        ranked = dict.fromkeys(user_ids, self._popular[:LENGTH])
        known = [user_id for user_id in user_ids if user_id in self._rows]
        with progress.task(f"ranking by {self.name}", len(known)) as task:
            for begin in range(0, len(known), BLOCK):
                part = known[begin : begin + BLOCK]
                scores = self._scorer.scores(np.array([self._rows[user_id] for user_id in part], np.int64))
                best = np.argsort(-scores[:, self._by_popularity], axis=1, kind="stable")[:, :LENGTH]
                ranked.update(zip(part, self._item_nos[best], strict=True))
                task.advance(len(part))
        return ranked
