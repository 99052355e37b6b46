from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from services.homepage.layouts.layout import ShelfDefinition
from services.homepage.pipeline.candidates import Candidates, Mask
from services.homepage.pipeline.stages import Draft, Selector
from services.homepage.query import Query
from services.homepage.selectors.ranking import by_value
from vitrine.homepage.v1 import reason_pb2

# How many cards of the feed are diversified: later ones keep the ranking's order.
_SPREAD_CARDS = 40


class PickedForYouSelector(Selector):
    """The feed: the best-ranked candidates, with cards of the same leaf category moved apart."""

    def select(
        self, query: Query, candidates: Candidates, available: Mask, definition: ShelfDefinition
    ) -> Sequence[Draft]:
        ranked = by_value(candidates, available)
        parameters = query.parameters
        spread = spread_categories(
            candidates.item_states.category_nos[ranked[:_SPREAD_CARDS]].tolist(),
            run=parameters.category_run,
            window=parameters.category_window,
            lookahead=parameters.category_lookahead,
        )
        known = query.user.known and query.personal
        kind = reason_pb2.REASON_KIND_YOUR_TASTE if known else reason_pb2.REASON_KIND_POPULAR
        return [Draft(_reordered(ranked, spread), reason_kind=kind)]


def spread_categories(categories: Sequence[int], *, run: int, window: int, lookahead: int) -> list[int]:
    """Returns the indexes of `categories`, ordered so that each is at most `run` times among `window` neighbors.

    A place gets the first of the next `lookahead` + 1 that fits, else with the best one left: nothing moves up
    by more than `lookahead`, so that the ranking's quality is kept. Category 0 (none) always fits.
    """
    left = list(range(len(categories)))
    placed: list[int] = []
    while left:
        neighbors = [categories[place] for place in placed[-(window - 1) :]] if window > 1 else []
        fitting = (
            offset
            for offset, place in enumerate(left[: lookahead + 1])
            if not categories[place] or neighbors.count(categories[place]) < run
        )
        placed.append(left.pop(next(fitting, 0)))
    return placed


def _reordered(ranked: NDArray[np.intp], head: Sequence[int]) -> NDArray[np.intp]:
    return np.concatenate([ranked[np.asarray(head, np.intp)], ranked[len(head) :]])
