from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.common import event_types
from services.common.sorted_lookup import places, values_at
from services.ranker.inputs.exposures import SHOWN_SOMEWHERE
from services.ranker.inputs.visits import VISIT_GAP_MILLIS
from services.ranker.training.shop.event_table import EventTable

ACTIONS: Final = ("click", "favorite", "add_to_cart", "purchase")
"""The actions that the model predicts, in the order of its outputs."""

FUNNEL: Final = {
    event_types.VIEW: (1, 0, 0, 0),
    event_types.CLICK: (1, 0, 0, 0),
    event_types.WATCH: (1, 0, 0, 0),
    event_types.FAVORITE: (1, 1, 0, 0),
    event_types.SHARE: (1, 0, 0, 0),
    event_types.ADD_TO_CART: (1, 0, 1, 0),
    event_types.PURCHASE: (1, 0, 1, 1),
}
"""Labels of each of ACTIONS by event type: a purchase implies an add to cart, which implies a click."""


@dataclass(frozen=True, slots=True)
class Shown:
    """Items that the log knows were shown, ascending, and how: exposures (services/ranker/inputs/exposures.py)."""

    item_nos: NDArray[np.int64]
    exposures: NDArray[np.int64]

    @classmethod
    def nothing(cls) -> "Shown":
        """Returns that nothing is known to have been shown."""
        return cls(np.zeros(0, np.int64), np.zeros(0, np.int64))

    def of(self, item_nos: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Returns the exposure of each item, NOT_SHOWN if it wasn't shown."""
        place, there = places(self.item_nos, item_nos)
        return values_at(self.exposures, place, there).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class Visit:
    """One user's next visit: items ascending, labels of shape (items, len(ACTIONS)) of 0 and 1."""

    item_nos: NDArray[np.int64]
    labels: NDArray[np.float32]
    shown: Shown = field(default_factory=Shown.nothing)
    """Items shown during the visit; examples read from files have them only in their candidates."""


class NextVisits:
    """Finds each user's next visit after a cut: the labels."""

    def __init__(self, table: EventTable) -> None:
        funnel = np.zeros((event_types.COUNT, len(ACTIONS)), np.float32)
        for kind, actions in FUNNEL.items():
            funnel[kind] = actions
        labels = funnel[np.clip(table.types, 0, event_types.COUNT - 1)]
        self._taken = _ByUser(table, (table.item_nos > 0) & (labels[:, 0] > 0))
        self._labels = labels[self._taken.order]
        self._shown = _ByUser(table, (table.item_nos > 0) & (table.exposures > 0))
        self._exposures = table.exposures[self._shown.order]

    def after(self, user: int, cut_millis: int, window_millis: int) -> Visit | None:
        """Returns the first visit that starts at the cut or within the window after it; None if there is none."""
        taken = self._taken.since(user, cut_millis)
        millis = self._taken.millis[taken]
        if not len(millis) or millis[0] >= cut_millis + window_millis:
            return None
        gaps = np.flatnonzero(np.diff(millis) > VISIT_GAP_MILLIS)
        count = int(gaps[0]) + 1 if len(gaps) else len(millis)
        taken = slice(taken.start, taken.start + count)
        item_nos, rows = np.unique(self._taken.item_nos[taken], return_inverse=True)
        labels = np.zeros((len(item_nos), len(ACTIONS)), np.float32)
        np.maximum.at(labels, rows, self._labels[taken])
        begin, end = int(millis[0]) - VISIT_GAP_MILLIS, int(millis[count - 1]) + VISIT_GAP_MILLIS
        return Visit(item_nos, labels, self._shown_between(user, max(begin, cut_millis), end))

    def _shown_between(self, user: int, begin_millis: int, end_millis: int) -> Shown:
        """Returns the items shown to the user from one time to another, inclusive."""
        first = self._shown.since(user, begin_millis).start
        shown = slice(first, self._shown.since(user, end_millis + 1).start)
        item_nos, rows = np.unique(self._shown.item_nos[shown], return_inverse=True)
        exposures = np.full(len(item_nos), SHOWN_SOMEWHERE, np.int64)
        np.minimum.at(exposures, rows, self._exposures[shown])
        return Shown(item_nos, exposures)


class _ByUser:
    """Some events of a log by user, and of one user by time."""

    def __init__(self, table: EventTable, chosen: NDArray[np.bool_]) -> None:
        rows = np.flatnonzero(chosen)
        self.order = rows[np.lexsort((table.millis[rows], table.users[rows]))]
        self.millis = table.millis[self.order]
        self.item_nos = table.item_nos[self.order]
        self._bounds = np.searchsorted(table.users[self.order], np.arange(len(table.visitors) + 1))

    def since(self, user: int, millis: int) -> slice:
        """Returns the slice of the user's events from a time on."""
        begin, end = int(self._bounds[user]), int(self._bounds[user + 1])
        return slice(begin + int(np.searchsorted(self.millis[begin:end], millis)), end)
