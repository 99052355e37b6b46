from collections.abc import Mapping
from typing import Final

import numpy as np

from services.candidates.artifacts.repeats import Repeats
from services.candidates.jobs.events import Events
from services.candidates.jobs.tables import digests_of

_MILLIS_PER_DAY: Final = 86_400_000
_MILLIS_PER_HOUR: Final = 3_600_000
_USUAL_GAPS: Final = 5.0
_USUAL_BUYERS: Final = 10.0
_SHORTEST_DAYS: Final = 1.0


def repeats(events: Events, digests: Mapping[int, int]) -> Repeats | None:
    """Returns how each item is bought again; None where nobody bought anything twice.

    interval = (g × median gap of the item + 5 × median gap of the shop) / (g + 5) days over the g gaps between two
    purchases of one user; rate = (again + 10 × the shop's rate) / (buyers + 10), `again` being those who bought it more
    than once. What a user bought within one clock hour is one purchase.
    """
    bought = events.where(events.bought)
    pairs = bought.users.astype(np.int64) << 32 | bought.items
    order = np.lexsort((bought.millis, pairs))
    pairs, hours = pairs[order], bought.millis[order] // _MILLIS_PER_HOUR
    fresh = np.ones(len(pairs), np.bool_)
    fresh[1:] = (pairs[1:] != pairs[:-1]) | (hours[1:] != hours[:-1])
    pairs, millis = pairs[fresh], bought.millis[order][fresh]
    again = np.flatnonzero(pairs[1:] == pairs[:-1])
    if not len(again):
        return None
    gaps = (millis[again + 1] - millis[again]) / _MILLIS_PER_DAY
    distinct, purchases = np.unique(pairs, return_counts=True)
    item_nos, places, buyers = np.unique(distinct & 0xFFFFFFFF, return_inverse=True, return_counts=True)
    repeated = np.bincount(places[purchases > 1], minlength=len(item_nos))
    rates = (repeated + _USUAL_BUYERS * repeated.sum() / buyers.sum()) / (buyers + _USUAL_BUYERS)
    gap_items = np.searchsorted(item_nos, pairs[again] & 0xFFFFFFFF)
    by_item = np.lexsort((gaps, gap_items))
    gaps, starts = gaps[by_item], np.searchsorted(gap_items[by_item], np.arange(len(item_nos) + 1))
    counts = np.diff(starts)
    # The middle of each item's gaps; where an item has none, any number serves: it weighs nothing.
    low = np.minimum(starts[:-1] + np.maximum(counts - 1, 0) // 2, len(gaps) - 1)
    high = np.minimum(starts[:-1] + counts // 2, len(gaps) - 1)
    medians = (gaps[low] + gaps[high]) / 2
    intervals = (counts * medians + _USUAL_GAPS * np.median(gaps)) / (counts + _USUAL_GAPS)
    numbers = item_nos.astype(np.uint32)
    return Repeats(
        item_nos=numbers,
        digests=digests_of(numbers, digests),
        intervals=np.maximum(intervals, _SHORTEST_DAYS).astype(np.float32),
        rates=rates.astype(np.float32),
        supports=buyers.astype(np.uint32),
    )
