from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.ranker.inputs.item_columns import ItemColumns
from services.ranker.inputs.user_columns import UserColumns

OWN, POPULAR, REST = range(3)
"""The layers: items that the user dealt with, popular ones among the others, and all else."""


@dataclass(frozen=True, slots=True)
class DrawSizes:
    """How many candidates of each layer an example has at the most."""

    slots: int = 192
    own: int = 112
    popular: int = 40
    rest: int = 24
    popular_pool: int = 400


@dataclass(frozen=True, slots=True)
class Draw:
    """Candidates with their log-odds offsets, both of shape (n,)."""

    item_nos: NDArray[np.int64]
    offsets: NDArray[np.float32]


class CandidateDraw:
    """Draws an example's candidates: all positives, and negatives from three layers.

    The layer of an item depends on what is known at the cut and not on the label. Of a layer's negatives a part r is
    kept, which multiplies the odds by 1 / r: training adds the offset ln(1 / r) to the logit, so that without it the
    probabilities are true for the whole catalogue (King and Zeng, "Logistic Regression in Rare Events Data", 2001,
    section 4.1, by layer).
    """

    def __init__(
        self, items: ItemColumns, shown_item_nos: NDArray[np.int64], cut_millis: int, sizes: DrawSizes, seed: int
    ) -> None:
        there = items.available_millis[shown_item_nos] <= cut_millis
        self.pool = shown_item_nos[there]
        self._allowed = np.zeros(items.capacity, np.bool_)
        self._allowed[self.pool] = True
        popularity = items.decayed(30, self.pool, cut_millis)
        best = np.argsort(-popularity, kind="stable")[: sizes.popular_pool]
        self.popular = self.pool[best[popularity[best] > 0]]
        self._popular_ascending = np.sort(self.popular)
        self._is_popular = np.zeros(items.capacity, np.bool_)
        self._is_popular[self.popular] = True
        self._sizes = sizes
        self._random = np.random.default_rng(seed)

    def allowed(self, item_nos: NDArray[Any]) -> NDArray[np.bool_]:
        """Returns which items can be candidates at this cut."""
        return self._allowed[np.where(item_nos < len(self._allowed), item_nos, 0)]

    def training(self, user: UserColumns, positives: NDArray[np.int64]) -> Draw:
        """Returns at most `slots` candidates: the positives (ascending, all allowed) first."""
        sizes = self._sizes
        positives = positives[: sizes.slots]
        own = user.counters.item_nos[self.allowed(user.counters.item_nos)]
        popular = np.setdiff1d(self._popular_ascending, own, assume_unique=True)
        layer_of_positives = self._layer(positives, own)
        negatives = (
            np.setdiff1d(own, positives, assume_unique=True),
            np.setdiff1d(popular, positives, assume_unique=True),
        )
        rest_count = len(self.pool) - len(own) - len(popular) - int(np.count_nonzero(layer_of_positives == REST))
        taken, offsets = [positives], np.zeros(3)
        room = sizes.slots - len(positives)
        for layer, (wanted, count) in enumerate(
            ((sizes.own, len(negatives[OWN])), (sizes.popular, len(negatives[POPULAR])), (sizes.rest, rest_count))
        ):
            limit = min(wanted, room, count)
            drawn = self._take(negatives[layer], limit) if layer != REST else self._rest(own, positives, limit)
            taken.append(drawn)
            room -= len(drawn)
            # A layer of which nothing could be kept has no negative to learn from: its odds are left alone.
            offsets[layer] = np.log(count / len(drawn)) if len(drawn) else 0.0
        item_nos = np.concatenate(taken)
        return Draw(item_nos, offsets[self._layer(item_nos, own)].astype(np.float32))

    def ranking(self, user: UserColumns, slots: int, popular: int) -> NDArray[np.int64]:
        """Returns the candidates that are to be ranked: the user's last items, then popular ones."""
        counters = user.counters
        own = np.flatnonzero(self.allowed(counters.item_nos))
        if len(own) > slots - popular:
            newest = np.argsort(-counters.last_event_millis[own], kind="stable")
            own = own[newest[: slots - popular]]
        own_item_nos = counters.item_nos[own]
        others = self.popular[~np.isin(self.popular, own_item_nos)]
        return np.concatenate([own_item_nos, others[: slots - len(own)]])

    def _layer(self, item_nos: NDArray[np.int64], own: NDArray[np.int64]) -> NDArray[np.intp]:
        return np.where(np.isin(item_nos, own), OWN, np.where(self._is_popular[item_nos], POPULAR, REST))

    def _take(self, item_nos: NDArray[np.int64], count: int) -> NDArray[np.int64]:
        if len(item_nos) <= count:
            return item_nos
        return self._random.choice(item_nos, count, replace=False, shuffle=False)

    def _rest(self, own: NDArray[np.int64], positives: NDArray[np.int64], count: int) -> NDArray[np.int64]:
        """Draws from all that is neither own nor popular nor positive: tries, instead of listing the catalogue."""
        drawn = np.unique(self.pool[self._random.integers(0, len(self.pool), 4 * count)]) if count else self.pool[:0]
        fresh = drawn[(self._layer(drawn, own) == REST) & ~np.isin(drawn, positives)]
        return self._random.permutation(fresh)[:count]
