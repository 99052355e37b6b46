from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.common.sorted_lookup import Totals, places, values_at
from services.ranker.inputs.item_columns import ItemColumns
from services.ranker.inputs.user_columns import MILLIS_PER_DAY, UserColumns
from services.ranker.inputs.visits import Visits

LONGEST_DAYS = 730.0
"""No age counts for more; what never happened is that long ago."""


@dataclass(frozen=True)
class Context:
    """One user, the candidates and the time: what every family of features is computed from."""

    user: UserColumns
    items: ItemColumns
    item_nos: NDArray[np.int64]
    """Candidates, shape (n,)."""

    query_millis: int

    @cached_property
    def rows(self) -> NDArray[np.intp]:
        """The candidates' rows in `items`."""
        return self.items.rows(self.item_nos)

    @cached_property
    def leaf_nos(self) -> NDArray[np.int32]:
        """The candidates' leaf categories."""
        return self.items.leaf_nos(self.rows)

    @cached_property
    def own_rows(self) -> NDArray[np.intp]:
        """The rows in `items` of the items that the user dealt with."""
        return self.items.rows(self.user.counters.item_nos)

    @cached_property
    def visits(self) -> Visits:
        """The user's past visits with a purchase."""
        return Visits.of(self.user, self.query_millis)

    @cached_property
    def visit_days(self) -> NDArray[np.float64]:
        """How many days ago the visit of each row of `visits` was."""
        return self.days_since(self.visits.millis)

    @cached_property
    def bought(self) -> Totals:
        """The rows of `visits` (an item in a visit) by item."""
        return Totals(self.visits.item_nos)

    def of_bought(self, values: NDArray[np.float64], default: float = 0.0) -> NDArray[np.float64]:
        """Returns values of `bought` (shape (..., keys)) for the candidates, `default` where it has none: (..., n)."""
        return values_at(values, *self._bought_places, default)

    @cached_property
    def _bought_places(self) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        return places(self.bought.keys, self.item_nos)

    @cached_property
    def _places(self) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        return places(self.user.counters.item_nos, self.item_nos)

    def counter(self, name: str) -> NDArray[np.float64]:
        """Returns a column of the user's counters for the candidates, 0 for those never dealt with."""
        return values_at(getattr(self.user.counters, name), *self._places)

    @cached_property
    def last_purchases(self) -> NDArray[np.float64]:
        """When the user bought each candidate last, milliseconds since 1970; 0: never."""
        return self.counter("last_purchase_millis")

    @cached_property
    def days_since_purchase(self) -> NDArray[np.float64]:
        """Days since then."""
        return self.days_since(self.last_purchases)

    def days_since(self, millis: NDArray[Any]) -> NDArray[np.float64]:
        """Returns ages in days, 0 to LONGEST_DAYS; a time of 0 means never."""
        ages = (self.query_millis - millis) / MILLIS_PER_DAY
        return np.where(millis > 0, np.clip(ages, 0.0, LONGEST_DAYS), LONGEST_DAYS)
