from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.ranker.inputs.user_columns import MILLIS_PER_DAY, UserColumns
from vitrine.events.v1 import event_pb2

VISIT_GAP_MILLIS: Final = 30 * 60 * 1000
"""Half an hour without an event ends a visit, as in web analytics."""

_PURCHASE: Final = int(event_pb2.EVENT_TYPE_PURCHASE)

_LENGTH: Final = 10
_IDEAL: Final = np.cumsum(1.0 / np.log2(np.arange(2, _LENGTH + 2)))


def visit_weights(sizes: NDArray[Any]) -> NDArray[np.float64]:
    """Returns 1 over the ideal DCG@10 for visits of these sizes (0 for size 0), from 1 to 0.22.

    A relevant item adds its position's discount times this to the mean NDCG@10 over visits (Järvelin and Kekäläinen,
    "Cumulated gain-based evaluation of IR techniques", 2002): the one item of a small visit counts as much as four of
    a large one.
    """
    return np.where(sizes > 0, 1.0 / _IDEAL[np.clip(sizes, 1, _LENGTH) - 1], 0.0)


def fading(ages: NDArray[Any], half_lives: Sequence[float]) -> NDArray[np.float64]:
    """Returns the decayed weights of rows by age, 2^(-age / half-life): (half-lives, rows)."""
    weights: NDArray[np.float64] = np.exp2(-ages / np.array(half_lives)[:, None])
    return weights


@dataclass(frozen=True, slots=True)
class Visits:
    """The purchases among the user's recent events, by visit. Visits are numbered back from the last, which is 0."""

    count: int
    starts: NDArray[np.int64]
    """When each visit began, ascending; shape (count,)."""

    item_nos: NDArray[np.int64]
    """Items bought, once per visit; ascending."""

    visits_ago: NDArray[np.int64]
    """The visit of each of `item_nos`."""

    millis: NDArray[np.int64]
    """When that visit began."""

    sizes: NDArray[np.int64]
    """Items bought in each visit; shape (count,)."""

    mean_gap_days: float
    """Mean time between two visits; 0 if fewer than two."""

    @classmethod
    def of(cls, user: UserColumns, query_millis: int) -> "Visits":
        """Returns the visits of `user` before `query_millis`."""
        bought = (user.event_types == _PURCHASE) & (user.event_millis <= query_millis) & (user.event_item_nos > 0)
        times, items = user.event_millis[bought], user.event_item_nos[bought]
        if not len(times):
            none = np.zeros(0, np.int64)
            return cls(0, none, none, none, none, none, 0.0)
        begins = np.ones(len(times), np.bool_)
        begins[1:] = np.diff(times) > VISIT_GAP_MILLIS
        starts = times[begins]
        visit = np.cumsum(begins) - 1
        # Item and visit as one number, so that one sort orders both.
        pairs = np.sort(items * len(starts) + visit)
        pairs = pairs[np.diff(pairs, prepend=-1) > 0]
        item_nos, visit = np.divmod(pairs, len(starts))
        sizes = np.bincount(visit, minlength=len(starts))
        spread = (starts[-1] - starts[0]) / MILLIS_PER_DAY
        gap = spread / (len(starts) - 1) if len(starts) > 1 else 0.0
        return cls(len(starts), starts, item_nos, len(starts) - 1 - visit, starts[visit], sizes, float(gap))
