from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.ranker.inputs.user_columns import MILLIS_PER_DAY, UserColumns
from vitrine.events.v1 import event_pb2

VISIT_GAP_MILLIS: Final = 30 * 60 * 1000
"""Half an hour without an event ends a visit, as web analytics count."""

_PURCHASE: Final = int(event_pb2.EVENT_TYPE_PURCHASE)

_LENGTH: Final = 10
_IDEAL: Final = np.cumsum(1.0 / np.log2(np.arange(2, _LENGTH + 2)))


def visit_weights(sizes: NDArray[Any]) -> NDArray[np.float64]:
    """Returns 1 over the best discounted gain at 10 of a list for visits of so many items (0: none), 1 to 0.22.

    What a right item adds to the mean NDCG@10 over visits is its place's discount times this (Järvelin and
    Kekäläinen, "Cumulated gain-based evaluation of IR techniques", 2002): the one item of a small visit counts for as
    much as four of a big one.
    """
    return np.where(sizes > 0, 1.0 / _IDEAL[np.clip(sizes, 1, _LENGTH) - 1], 0.0)


def fading(ages: NDArray[Any], half_lives: Sequence[float]) -> NDArray[np.float64]:
    """Returns what rows of such ages still weigh, 2^(-age / half-life): (half-lives, rows)."""
    weights: NDArray[np.float64] = np.exp2(-ages / np.array(half_lives)[:, None])
    return weights


@dataclass(frozen=True, slots=True)
class Visits:
    """The purchases among the user's recent events, by visit. Visits count back from the last one, which is 0."""

    count: int
    starts: NDArray[np.int64]
    """When each visit began, ascending; shape (count,)."""

    item_nos: NDArray[np.int64]
    """Items bought, once for each visit they were bought in; ascending."""

    visits_ago: NDArray[np.int64]
    """The visit of each of `item_nos`."""

    millis: NDArray[np.int64]
    """When that visit began."""

    sizes: NDArray[np.int64]
    """How many items each visit bought; shape (count,)."""

    mean_gap_days: float
    """Mean time between two visits; 0: fewer than two."""

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
        # One number for item and visit, so that sorting it is all there is to do.
        pairs = np.sort(items * len(starts) + visit)
        pairs = pairs[np.diff(pairs, prepend=-1) > 0]
        item_nos, visit = np.divmod(pairs, len(starts))
        sizes = np.bincount(visit, minlength=len(starts))
        spread = (starts[-1] - starts[0]) / MILLIS_PER_DAY
        gap = spread / (len(starts) - 1) if len(starts) > 1 else 0.0
        return cls(len(starts), starts, item_nos, len(starts) - 1 - visit, starts[visit], sizes, float(gap))
