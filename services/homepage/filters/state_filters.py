"""Filters that look at one flag of an item's state."""

from collections.abc import Sequence

from services.common.item_state import HAS_PRICE, HIDDEN, IN_CATALOG, IN_STOCK
from services.homepage.pipeline.candidates import Candidates, Removal
from services.homepage.pipeline.stages import Filter
from services.homepage.query import Query


class StateFilter(Filter):
    """Removes items that don't have `flag` or, with `forbidden`, those that have it."""

    def __init__(self, name: str, flag: int, reason: str, *, forbidden: bool = False) -> None:
        self._name = name
        self._flag = flag
        self._reason = reason
        self._forbidden = forbidden

    @property
    def name(self) -> str:
        return self._name

    def filter(self, query: Query, candidates: Candidates) -> Sequence[Removal]:
        return [Removal(candidates.item_states.has(self._flag) == self._forbidden, self._reason)]


def state_filters() -> list[StateFilter]:
    """Returns the filters that keep what the catalog allows to be sold."""
    return [
        StateFilter("UnknownItemFilter", IN_CATALOG, "NOT_IN_CATALOG"),
        StateFilter("HiddenItemFilter", HIDDEN, "HIDDEN", forbidden=True),
        StateFilter("OutOfStockFilter", IN_STOCK, "OUT_OF_STOCK"),
        StateFilter("MissingPriceFilter", HAS_PRICE, "NO_PRICE"),
    ]
