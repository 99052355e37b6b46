from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.candidates.artifacts.neighbors import Neighbors
from services.candidates.jobs.bought_together import bought_together
from services.candidates.jobs.events import Events
from services.candidates.jobs.nearest import nearest_items
from services.candidates.jobs.next_items import next_items
from services.candidates.jobs.ratings import implicit_ratings
from services.candidates.jobs.rows import Rows
from services.candidates.settings import CandidatesSettings
from services.common.progress import Progress
from services.common.sorted_lookup import contained, distinct


@dataclass(frozen=True, slots=True)
class ItemTable:
    """What goes with each item: row i is of `owners`[i], its columns are places in `item_nos`; both are item numbers,
    ascending.
    """

    name: str
    owners: NDArray[np.uint32]
    item_nos: NDArray[np.uint32]
    rows: Rows


def item_tables(
    events: Events, settings: CandidatesSettings, progress: Progress, only: NDArray[np.uint32] | None = None
) -> Iterator[ItemTable]:
    """Computes one table after the other, each when the one before was taken; `only` some items' rows (ascending).

    Few users may stand behind a pair: it adds to a sum. Whoever shows a pair as such looks at its support first.
    """
    entries, neighbors = settings.jobs.block_entries, settings.neighbors
    ratings = implicit_ratings(
        events,
        neighbors.half_life_days,
        items_per_user=neighbors.items_per_user,
        minimum_users=neighbors.minimum_support,
    )
    chosen = _places(ratings.item_nos, only)
    rows = nearest_items(ratings.matrix, neighbors, entries, progress, chosen)
    yield ItemTable(Neighbors.ARTIFACT, ratings.item_nos[chosen], ratings.item_nos, rows)
    del ratings, rows
    item_nos = distinct(events.items)
    chosen = _places(item_nos, only)
    rows = next_items(events, item_nos, settings.next_items, entries, progress, only=chosen)
    yield ItemTable(Neighbors.NEXT_ITEMS, item_nos[chosen], item_nos, rows)
    del rows
    rows = bought_together(events, item_nos, settings.bought_together, entries, progress, only=chosen)
    yield ItemTable(Neighbors.BOUGHT_TOGETHER, item_nos[chosen], item_nos, rows)


def _places(item_nos: NDArray[np.uint32], only: NDArray[np.uint32] | None) -> NDArray[np.intp]:
    return np.arange(len(item_nos)) if only is None else np.flatnonzero(contained(item_nos, only))
