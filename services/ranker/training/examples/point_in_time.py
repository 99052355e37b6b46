"""Checks that features contain nothing from after their cut."""

import copy
import dataclasses
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.ranker.inputs.item_columns import ItemColumns
from services.ranker.inputs.user_columns import UserColumns
from services.ranker.training.report import Check
from services.ranker.training.shop.replay import Replay

COUNTS: Final = (
    "view_counts",
    "favorite_counts",
    "cart_counts",
    "purchase_counts",
    "buyer_counts",
    "impression_counts",
    "interval_counts",
)
HALF_LIVES_DAYS: Final = (1, 7, 30)
RELATIVE_ERROR: Final = 1e-5


class PointInTimeCheck:
    """Compares a replay's features at a moment with those rebuilt from a log that ends before it.

    That log lacks the moment's own event and all later ones, so a feature that uses them differs. User features are
    compared, and those of the next visit's items, where a leak would help most.
    """

    def __init__(self, replay: Replay) -> None:
        self._replay = replay
        self._compared = 0
        self._leaks: list[str] = []

    def compare(self, user: int, cut_millis: int, item_nos: NDArray[np.int64]) -> None:
        """Compares the features of a user and of items; the replay must be at the cut."""
        self._compared += 1
        replay, honest = self._replay, self._honest(user, cut_millis, item_nos)
        differing = [
            *_differing(_user_columns(replay.user(user)), _user_columns(honest.user(user))),
            *_differing(
                _item_columns(replay.items, item_nos, cut_millis), _item_columns(honest.items, item_nos, cut_millis)
            ),
        ]
        self._leaks += [name for name in differing if name not in self._leaks]

    def result(self) -> Check:
        """Returns the result over all moments compared."""
        found = f"{', '.join(self._leaks) or 'no column'} of {self._compared} moments"
        return Check("features as of their time", not self._leaks, found, "no column that knows what came later")

    def _honest(self, user: int, cut_millis: int, item_nos: NDArray[np.int64]) -> Replay:
        table = self._replay.table
        concerned = (table.users == user) | np.isin(table.item_nos, item_nos)
        catalog = copy.copy(self._replay.catalog)
        catalog.items = copy.deepcopy(catalog.items)
        catalog.items.forget_statistics()
        replay = Replay(table.part((table.millis < cut_millis) & concerned), catalog, self._replay.attributes)
        replay.advance(cut_millis)
        return replay


def _user_columns(user: UserColumns) -> Iterator[tuple[str, Any]]:
    for field in dataclasses.fields(user):
        value = getattr(user, field.name)
        if dataclasses.is_dataclass(value):
            for inner in dataclasses.fields(value):
                yield f"{field.name}.{inner.name}", getattr(value, inner.name)
        else:
            yield field.name, value


def _item_columns(
    items: ItemColumns, item_nos: NDArray[np.int64], cut_millis: int
) -> Iterator[tuple[str, NDArray[Any]]]:
    rows = items.rows(item_nos)
    for name in (*COUNTS, "mean_log_prices", "mean_interval_days"):
        yield name, getattr(items, name)[rows]
    for days in HALF_LIVES_DAYS:
        yield f"decayed_{days}d", items.decayed(days, rows, cut_millis)


def _differing(one: Iterator[tuple[str, Any]], other: Iterator[tuple[str, Any]]) -> Iterator[str]:
    for (name, left), (_, right) in zip(one, other, strict=True):
        if np.shape(left) != np.shape(right) or not np.allclose(left, right, rtol=RELATIVE_ERROR, atol=1e-7):
            yield name
