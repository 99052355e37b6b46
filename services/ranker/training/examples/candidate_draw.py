from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.ranker.inputs.item_columns import ItemColumns
from services.ranker.inputs.user_columns import UserColumns
from services.ranker.model.config_fields import require_at_least

OWN: Final = 0
"""Items that the user dealt with."""

POPULAR: Final = 1
"""The popular ones among the others."""

REST: Final = 2
"""All else."""

SHOWN: Final = 3
"""Items that the log knows were shown at the visit, whichever of the other layers they would be in."""

_NOT_THERE: Final = 4

NOTHING: Final = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class DrawSizes:
    """Maximum number of candidates per layer of an example."""

    slots: int = 192
    own: int = 112
    """Includes shown items."""

    shown: int = 48
    popular: int = 40
    rest: int = 24
    popular_pool: int = 400

    def __post_init__(self) -> None:
        require_at_least(self, {"slots": 1, "own": 0, "shown": 0, "popular": 0, "rest": 0, "popular_pool": 0})


@dataclass(frozen=True, slots=True)
class Draw:
    """Candidates with their log-odds offsets, both of shape (n,)."""

    item_nos: NDArray[np.int64]
    offsets: NDArray[np.float32]


class CandidateDraw:
    """Draws an example's candidates: all positives, and negatives from four layers.

    An item's layer depends on data from before the cut, or on impressions, but not on the label. Keeping a share r of a
    layer's negatives multiplies the odds by 1 / r: training adds the offset ln(1 / r) to the logit, so that the
    probabilities without it are calibrated for the whole catalog (King and Zeng, "Logistic Regression in Rare
    Events Data", 2001, section 4.1, by layer).
    """

    def __init__(
        self, items: ItemColumns, offered_item_nos: NDArray[np.int64], cut_millis: int, sizes: DrawSizes, seed: int
    ) -> None:
        self.pool = offered_item_nos[items.available_millis[offered_item_nos] <= cut_millis]
        popularity = items.decayed(30, self.pool, cut_millis)
        best = np.argsort(-popularity, kind="stable")[: sizes.popular_pool]
        self.popular = self.pool[best[popularity[best] > 0]]
        # The layer of every item for a user without a past, by item_no.
        self._layers = np.full(items.capacity, _NOT_THERE, np.int8)
        self._layers[self.pool] = REST
        self._layers[self.popular] = POPULAR
        self._sizes = sizes
        self._random = np.random.default_rng((seed, cut_millis))

    def allowed(self, item_nos: NDArray[Any]) -> NDArray[np.bool_]:
        """Returns which items can be candidates at this cut."""
        within = item_nos < len(self._layers)
        there: NDArray[np.bool_] = within & (self._layers[np.where(within, item_nos, 0)] != _NOT_THERE)
        return there

    def training(
        self, user: UserColumns, positives: NDArray[np.int64], shown_item_nos: NDArray[np.int64] = NOTHING
    ) -> Draw:
        """Returns at most `slots` candidates: the positives first. The arguments have no
        duplicates, and the positives are allowed.
        """
        positives = positives[: self._sizes.slots]
        own = user.counters.item_nos[self.allowed(user.counters.item_nos)]
        shown = shown_item_nos[self.allowed(shown_item_nos)]
        touched = np.concatenate([own, shown])
        former = self._layers[touched]
        self._layers[own] = OWN
        self._layers[shown] = SHOWN
        try:
            return self._draw(own, shown, positives)
        finally:
            self._layers[touched] = former

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

    def _draw(self, own: NDArray[np.int64], shown: NDArray[np.int64], positives: NDArray[np.int64]) -> Draw:
        sizes, layers = self._sizes, self._layers
        layer_of_positives = layers[positives]
        layers[positives] = _NOT_THERE  # negatives alone are drawn
        shown_negatives = shown[layers[shown] == SHOWN]
        own_negatives = own[layers[own] == OWN]
        popular_negatives = self.popular[layers[self.popular] == POPULAR]
        left = len(self.pool) - len(own_negatives) - len(shown_negatives) - len(popular_negatives) - len(positives)
        room = sizes.slots - len(positives)
        vain = self._take(shown_negatives, min(sizes.shown, room))
        room -= len(vain)
        mine = self._take(own_negatives, min(max(sizes.own - len(vain), 0), room))
        popular = self._take(popular_negatives, min(sizes.popular, room - len(mine)))
        rest = self._rest(min(sizes.rest, room - len(mine) - len(popular), left))
        layers[positives] = layer_of_positives
        item_nos = np.concatenate([positives, vain, mine, popular, rest])
        offsets = np.array(
            [
                _log_ratio(len(own_negatives), len(mine)),
                _log_ratio(len(popular_negatives), len(popular)),
                _log_ratio(left, len(rest)),
                _log_ratio(len(shown_negatives), len(vain)),
            ],
            np.float32,
        )
        return Draw(item_nos, offsets[layers[item_nos]])

    def _take(self, item_nos: NDArray[np.int64], count: int) -> NDArray[np.int64]:
        if len(item_nos) <= count:
            return item_nos
        return self._random.choice(item_nos, count, replace=False, shuffle=False)

    def _rest(self, count: int) -> NDArray[np.int64]:
        """Draws from the rest: tries, instead of listing the catalog."""
        if count <= 0:
            return self.pool[:0]
        drawn = self.pool[self._random.integers(0, len(self.pool), 4 * count)]
        drawn = np.sort(drawn[self._layers[drawn] == REST])
        return self._random.permutation(drawn[np.diff(drawn, prepend=0) > 0])[:count]


def _log_ratio(available: int, kept: int) -> float:
    """Returns ln(available / kept), or 0 if nothing was kept."""
    return float(np.log(available / kept)) if kept else 0.0
