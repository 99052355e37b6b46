from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.candidates.catalog.item_columns import ItemColumns
from services.candidates.statistics.item_statistics import ItemStatistics
from services.candidates.statistics.trend_scores import trend_scores
from services.common.item_state import REDUCED


@dataclass(frozen=True, slots=True)
class TermRanking:
    """A ranking of items cut into those of each value of a `TermColumn`: code c has `starts`[c] to `starts`[c + 1].

    A value's code may be given to another value later: who reads compares with the column.
    """

    item_nos: NDArray[np.uint32]
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, ranking: NDArray[np.uint32], codes: NDArray[np.uint32]) -> "TermRanking":
        """Cuts a ranking; `codes` has the code of each of its items, 0 for no value."""
        order = np.argsort(codes, kind="stable")
        starts = np.searchsorted(codes[order], np.arange(int(codes.max(initial=0)) + 2))
        return cls(ranking[order], starts.astype(np.int64))

    def of_code(self, code: int) -> NDArray[np.uint32]:
        """Returns the items of a code, in the ranking's order."""
        if code + 1 >= len(self.starts):
            return self.item_nos[:0]
        return self.item_nos[self.starts[code] : self.starts[code + 1]]


@dataclass(frozen=True, slots=True)
class CatalogSnapshot:
    """Copies of what the lists are made from."""

    item_nos: NDArray[np.int64]
    log_popularity: NDArray[np.float64]
    new_since: NDArray[np.int64]
    reduced: NDArray[np.bool_]
    category_nos: NDArray[np.uint32]
    trend_scores: NDArray[np.float64]
    creators: NDArray[np.uint32]
    brands: NDArray[np.uint32]
    topics: NDArray[np.uint32]

    @classmethod
    def of(cls, columns: ItemColumns, statistics: ItemStatistics) -> "CatalogSnapshot":
        """Copies the eligible items' rows. May run in another thread than the changes: an item is eligible only after
        all columns have a row for it.
        """
        item_nos = np.flatnonzero(columns.eligible.allowed)
        daily, monthly = statistics.daily_and_monthly(columns.capacity)
        return cls(
            item_nos=item_nos,
            log_popularity=statistics.log_popularity(columns.capacity)[item_nos],
            new_since=columns.new_since[item_nos],
            reduced=(columns.flags[item_nos] & REDUCED) > 0,
            category_nos=columns.category_nos[item_nos],
            trend_scores=trend_scores(daily[item_nos], monthly[item_nos]),
            creators=columns.creators.codes_of(item_nos),
            brands=columns.brands.codes_of(item_nos),
            topics=columns.topics.codes_of(item_nos),
        )


@dataclass(frozen=True, slots=True)
class TopLists:
    """Rankings of all eligible items, made in the background, so that a request only reads their beginnings.

    `popular` is by popularity, then the newest; `newest` by date, then popularity, with the dates beside it, negated so
    that they ascend; `on_sale` are the reduced ones by popularity; `trending` those that rise, the surest first, with
    `trend_scores` by item number; `of_category` has the most popular of each category, at every level; `of_creator`,
    `of_brand` and `of_topic` the newest of each. An item that became ineligible since is passed over when a request
    reads the list. `logs` are the popularities, time-free, by item number.
    """

    popular: NDArray[np.uint32]
    newest: NDArray[np.uint32]
    newest_negated: NDArray[np.int64]
    on_sale: NDArray[np.uint32]
    of_category: dict[int, NDArray[np.uint32]]
    leaf_categories: frozenset[int]
    logs: NDArray[np.float64]
    trending: NDArray[np.uint32]
    trend_scores: NDArray[np.float64]
    of_creator: TermRanking
    of_brand: TermRanking
    of_topic: TermRanking


def rank(snapshot: CatalogSnapshot, per_category: int) -> TopLists:
    """Makes the lists; 100,000 items take some 60 ms, mostly without the interpreter's lock."""
    # Three stable sorts in a row order by popularity, then date, then number.
    by_date = np.argsort(-snapshot.new_since, kind="stable")
    by_popularity = by_date[np.argsort(-snapshot.log_popularity[by_date], kind="stable")]
    newest = by_popularity[np.argsort(-snapshot.new_since[by_popularity], kind="stable")]
    on_sale = by_popularity[snapshot.reduced[by_popularity]]
    item_nos = snapshot.item_nos.astype(np.uint32)
    rows = int(snapshot.item_nos.max(initial=0)) + 1
    logs, risen = np.full(rows, -np.inf), np.zeros(rows)
    logs[snapshot.item_nos], risen[snapshot.item_nos] = snapshot.log_popularity, snapshot.trend_scores
    rising = by_popularity[snapshot.trend_scores[by_popularity] > 0]
    trending = rising[np.argsort(-snapshot.trend_scores[rising], kind="stable")]
    of_category, leaves = _by_category(item_nos[by_popularity], snapshot.category_nos[by_popularity], per_category)
    return TopLists(
        popular=item_nos[by_popularity],
        newest=item_nos[newest],
        newest_negated=-snapshot.new_since[newest],
        on_sale=item_nos[on_sale],
        of_category=of_category,
        leaf_categories=leaves,
        logs=logs,
        trending=item_nos[trending],
        trend_scores=risen,
        of_creator=TermRanking.of(item_nos[newest], snapshot.creators[newest]),
        of_brand=TermRanking.of(item_nos[newest], snapshot.brands[newest]),
        of_topic=TermRanking.of(item_nos[newest], snapshot.topics[newest]),
    )


def _by_category(
    ranking: NDArray[np.uint32], category_nos: NDArray[np.uint32], per_category: int
) -> tuple[dict[int, NDArray[np.uint32]], frozenset[int]]:
    """Cuts a ranking into those of its categories, at their beginnings, and says which are the deepest of items."""
    places, levels = np.nonzero(category_nos)  # row by row: the order of the ranking
    if not len(places):
        return {}, frozenset()
    numbers = category_nos[places, levels]
    order = np.argsort(numbers, kind="stable")
    distinct, starts = np.unique(numbers[order], return_index=True)
    ends = np.append(starts[1:], len(order))
    lists = {
        int(number): ranking[places[order[start : min(end, start + per_category)]]]
        for number, start, end in zip(distinct, starts, ends, strict=True)
    }
    depth = np.count_nonzero(category_nos, axis=1)
    deepest = category_nos[np.arange(len(ranking)), np.maximum(depth, 1) - 1]
    return lists, frozenset(np.unique(deepest[depth > 0]).tolist())
