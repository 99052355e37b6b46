from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.common import event_types
from services.ranker.inputs.visits import VISIT_GAP_MILLIS
from services.ranker.training.shop.event_table import EventTable

ACTIONS: Final = ("click", "favorite", "add_to_cart", "purchase")
"""What the model predicts, in the order of its outputs."""

FUNNEL: Final = {
    event_types.VIEW: (1, 0, 0, 0),
    event_types.CLICK: (1, 0, 0, 0),
    event_types.WATCH: (1, 0, 0, 0),
    event_types.FAVORITE: (1, 1, 0, 0),
    event_types.SHARE: (1, 0, 0, 0),
    event_types.ADD_TO_CART: (1, 0, 1, 0),
    event_types.PURCHASE: (1, 0, 1, 1),
}
"""What an event says of each of ACTIONS: who buys has put into the cart, and who did that has clicked."""


@dataclass(frozen=True, slots=True)
class Visit:
    """What one user did at the next visit: items ascending, labels of shape (items, len(ACTIONS)) of 0 and 1."""

    item_nos: NDArray[np.int64]
    labels: NDArray[np.float32]


class NextVisits:
    """Finds what each user did next after a cut: the labels."""

    def __init__(self, table: EventTable) -> None:
        funnel = np.zeros((event_types.COUNT, len(ACTIONS)), np.float32)
        for kind, actions in FUNNEL.items():
            funnel[kind] = actions
        labels = funnel[np.clip(table.types, 0, event_types.COUNT - 1)]
        taken = np.flatnonzero((table.item_nos > 0) & (labels[:, 0] > 0))
        order = taken[np.lexsort((table.millis[taken], table.users[taken]))]
        self._millis = table.millis[order]
        self._item_nos = table.item_nos[order]
        self._labels = labels[order]
        self._bounds = np.searchsorted(table.users[order], np.arange(len(table.visitors) + 1))

    def after(self, user: int, cut_millis: int, window_millis: int) -> Visit | None:
        """Returns the first visit that begins at the cut or within the window after it; None: there is none."""
        begin, end = self._bounds[user], self._bounds[user + 1]
        millis = self._millis[begin:end]
        first = int(np.searchsorted(millis, cut_millis))
        if first == len(millis) or millis[first] >= cut_millis + window_millis:
            return None
        gaps = np.flatnonzero(np.diff(millis[first:]) > VISIT_GAP_MILLIS)
        last = first + int(gaps[0]) + 1 if len(gaps) else len(millis)
        item_nos, places = np.unique(self._item_nos[begin + first : begin + last], return_inverse=True)
        labels = np.zeros((len(item_nos), len(ACTIONS)), np.float32)
        np.maximum.at(labels, places, self._labels[begin + first : begin + last])
        return Visit(item_nos, labels)
