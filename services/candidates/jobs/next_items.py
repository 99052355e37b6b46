from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from services.candidates.arrays import gather
from services.candidates.job_settings import SequenceSettings
from services.candidates.jobs.events import Events
from services.candidates.jobs.rows import Rows, RowsBuilder, blocks
from services.common.progress import NoProgress, Progress
from services.common.sorted_lookup import contained

# How many items behind an item are looked at: a basket's many at one moment are one step.
_REACH: Final = 5

Sequences: TypeAlias = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]


def next_items(
    events: Events,
    item_nos: NDArray[np.uint32],
    settings: SequenceSettings,
    block_entries: int,
    progress: Progress | None = None,
    *,
    only: NDArray[np.integer] | None = None,
) -> Rows:
    """Returns for each of `item_nos` (ascending), or for those at the places `only`, the items that users turn to
    after it.

    score(a, b) = C_ab / (n_a^0.5 n_b^0.3) × C_ab / (C_ab + shrinkage), with C_ab = Σ_users 1 / √d over the users who
    interacted with a and, d <= window steps later, to b for the first time; n counts an item's users. A step is a
    distinct moment: what happened at one moment has no order. The exponents, found on held-out sequences, keep what
    everyone turns to in the end from following everything.
    """
    sequences = _sequences(events, item_nos, settings.items_per_user)
    items = sequences[1]
    counts = np.bincount(items, minlength=len(item_nos)).astype(np.float64)
    by_item = np.argsort(items, kind="stable").astype(np.int32)
    starts = np.searchsorted(items[by_item], np.arange(len(item_nos) + 1))
    reach = _REACH * settings.window
    wanted = np.arange(len(item_nos)) if only is None else only
    builder = RowsBuilder(settings.per_item)
    with (progress or NoProgress()).task("what follows", total=len(wanted)) as task:
        for stretch in blocks(np.diff(starts)[wanted] * reach, block_entries):
            firsts = by_item[gather(starts, wanted[stretch])[0]]
            keys, weights = _pairs(firsts, sequences, settings.window)
            distinct, places, supports = np.unique(keys, return_inverse=True, return_counts=True)
            sums = np.bincount(places, weights, minlength=len(distinct))
            owners, columns = distinct >> 32, distinct & 0xFFFFFFFF
            scores = sums / (counts[owners] ** 0.5 * counts[columns] ** 0.3) * sums / (sums + settings.shrinkage)
            scores[supports < settings.minimum_support] = 0.0
            begins, ends = (np.searchsorted(owners, wanted[stretch], side) for side in ("left", "right"))
            for begin, end in zip(begins, ends, strict=True):
                builder.add(columns[begin:end], scores[begin:end], supports[begin:end])
            task.advance(stretch.stop - stretch.start)
    return builder.build()


def _sequences(events: Events, item_nos: NDArray[np.uint32], items_per_user: int) -> Sequences:
    """Returns user, item (its place) and step of each user's first interaction with each item, by user and time."""
    found = [_of_users(portion, item_nos, items_per_user) for portion in events.by_users()]
    if not found:
        return (np.zeros(0, np.int32),) * 3
    users, items, steps = (np.concatenate(column) for column in zip(*found, strict=True))
    return users, items, steps


def _of_users(events: Events, item_nos: NDArray[np.uint32], items_per_user: int) -> Sequences:
    positive = events.where((events.strengths > 0) & contained(events.items, item_nos))
    order = np.lexsort((positive.items, positive.millis, positive.users))
    pairs = positive.users.astype(np.int64)[order] << 32 | positive.items[order]
    first = np.sort(np.unique(pairs, return_index=True)[1])
    users, millis = pairs[first] >> 32, positive.millis[order][first]
    ends = np.searchsorted(users, users, side="right")
    last = ends - np.arange(len(users)) <= items_per_user
    users, millis = users[last], millis[last]
    items = np.searchsorted(item_nos, (pairs[first] & 0xFFFFFFFF)[last])
    fresh = np.ones(len(users), np.bool_)
    fresh[1:] = (users[1:] != users[:-1]) | (millis[1:] != millis[:-1])
    # Steps are compared among one user's only, so each portion may begin to count anew.
    return users.astype(np.int32), items.astype(np.int32), np.cumsum(fresh, dtype=np.int32)


def _pairs(
    firsts: NDArray[np.int32],
    sequences: Sequences,
    window: int,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Returns the pairs that begin at the places `firsts`, as first << 32 | second, and their weights 1 / √d."""
    users, items, steps = sequences
    keys, weights = [], []
    for offset in range(1, _REACH * window + 1):
        firsts = firsts[firsts + offset < len(users)]
        seconds = firsts + offset
        near = (users[seconds] == users[firsts]) & (steps[seconds] - steps[firsts] <= window)
        firsts, seconds = firsts[near], seconds[near]
        distances = steps[seconds] - steps[firsts]
        apart = distances > 0
        keys.append(items[firsts[apart]].astype(np.int64) << 32 | items[seconds[apart]])
        weights.append(1.0 / np.sqrt(distances[apart]))
    return np.concatenate(keys), np.concatenate(weights)
