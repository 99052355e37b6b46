from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from services.candidates.jobs.events import Events
from services.candidates.jobs.quality import FEWEST_USERS, MILLIS_PER_HOUR, MOST_USERS
from services.candidates.jobs.repeats import repeats
from services.candidates.sources.buy_again import Purchases
from services.common.sorted_lookup import contained, distinct

_MILLIS_PER_DAY = 86_400_000
_HALF_LIFE_DAYS = 60.0


def repeat_quality(events: Events, hours: float, digests: Mapping[int, int]) -> float | None:
    """Returns how well `buy_again` orders what users bought before, by what they bought again in the last `hours`:
    the mean NDCG of the whole order, with a table made without those hours. None: too few users say anything.

    At most 2,000 users are looked at, those of the lowest numbers; who had bought one item only has no order.
    """
    bought = events.where(events.bought)
    begin = events.newest_millis - round(hours * MILLIS_PER_HOUR)
    late = bought.millis > begin
    past = bought.where(~late)
    users, again = _bought_again(past, bought.where(late))
    if len(users) < FEWEST_USERS:
        return None
    table = repeats(past, digests)
    owners, purchases = _purchases(past.where(contained(past.users, users)), begin)
    scores = purchases.due(begin, table)
    order = np.lexsort((purchases.item_nos, -scores, owners))
    owners = owners[order]
    relevant = contained(owners << 32 | purchases.item_nos[order], again)
    starts = np.searchsorted(owners, users)
    ranks = np.arange(len(owners)) - np.repeat(starts, np.diff(np.append(starts, len(owners))))
    gains = np.add.reduceat(np.where(relevant, 1 / np.log2(ranks + 2.0), 0.0), starts)
    counts = np.add.reduceat(relevant.astype(np.int64), starts)
    ideal = np.cumsum(1 / np.log2(np.arange(counts.max()) + 2.0))[counts - 1]
    return float(np.mean(gains / ideal))


def _bought_again(past: Events, late: Events) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns the users (ascending) who bought something again and had a choice, and user << 32 | item of what."""
    before = distinct(_pairs(past))
    again = distinct(_pairs(late))
    again = again[contained(again, before)]
    choosers, items = np.unique(before >> 32, return_counts=True)
    users = distinct(again >> 32)
    users = users[contained(users, choosers[items > 1])][:MOST_USERS]
    return users, again[contained(again >> 32, users)]


def _purchases(past: Events, begin_millis: int) -> tuple[NDArray[np.int64], Purchases]:
    """Returns the purchases of each user and item, in order of both, and their users."""
    pairs = _pairs(past)
    order = np.lexsort((past.millis, pairs))
    pairs, millis = pairs[order], past.millis[order]
    starts = np.flatnonzero(np.append(True, pairs[1:] != pairs[:-1]))
    ends = np.append(starts[1:], len(pairs))
    ages = (begin_millis - millis) / _MILLIS_PER_DAY
    return pairs[starts] >> 32, Purchases(
        item_nos=(pairs[starts] & 0xFFFFFFFF).astype(np.uint32),
        counts=ends - starts,
        first_millis=millis[starts],
        last_millis=millis[ends - 1],
        decayed=np.add.reduceat(np.exp2(-ages / _HALF_LIFE_DAYS), starts),
    )


def _pairs(events: Events) -> NDArray[np.int64]:
    return events.users.astype(np.int64) << 32 | events.items
