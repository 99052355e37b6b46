from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.sequences.leave_one_out import HeldOut, Histories, Score, without_history

BEST = 60
"""Items of each part's best for a user that compete."""


@dataclass(frozen=True, slots=True)
class Shortlist:
    """What competes for the first places of U users: items that are among some part's best, outside the history."""

    item_nos: NDArray[np.int32]
    """(U, C), ascending; 0 where a user has fewer."""

    scores: NDArray[np.float32]
    """Of P parts, (U, C, P)."""

    lengths: NDArray[np.int64]
    """Of the users' histories, (U,)."""

    def __len__(self) -> int:
        return len(self.item_nos)

    def of(self, users: NDArray[np.int64]) -> "Shortlist":
        """Returns that of some users."""
        return Shortlist(self.item_nos[users], self.scores[users], self.lengths[users])


def shortlist(scores: Sequence[NDArray[np.float32]], histories: Histories) -> Shortlist:
    """Returns what competes by the parts' scores of all items, each (U, items)."""
    items = scores[0].shape[1]
    best = min(BEST, items)
    found = []
    for part in scores:
        left = without_history(part.copy(), histories)
        tops = np.argpartition(left, -best, axis=1)[:, -best:]
        found.append(np.where(np.isfinite(np.take_along_axis(left, tops, axis=1)), tops, items))
    # What several parts found, or is in the history, goes to the end, where all is cut off that no user has.
    competing = np.sort(np.concatenate(found, axis=1), axis=1)
    competing[:, 1:][competing[:, 1:] == competing[:, :-1]] = items
    competing.sort(axis=1)
    competing = competing[:, : max(1, int((competing < items).sum(axis=1).max(initial=0)))]
    real = competing < items
    places = np.where(real, competing, 0)
    table = np.stack([np.where(real, np.take_along_axis(part, places, axis=1), 0.0) for part in scores], axis=-1)
    lengths = np.array([len(history) for history in histories], np.int64)
    return Shortlist(np.where(real, competing + 1, 0).astype(np.int32), table, lengths)


def shortlist_of(parts: Sequence[Score], held_out: HeldOut) -> Shortlist:
    """Returns what competes for all users of `held_out`."""
    some = []
    for chunk in held_out.chunks():
        histories = held_out.histories[chunk]
        some.append(shortlist([part(histories) for part in parts], histories))
    width = max(one.item_nos.shape[1] for one in some)
    missing = [width - one.item_nos.shape[1] for one in some]
    return Shortlist(
        np.concatenate([np.pad(one.item_nos, ((0, 0), (0, more))) for one, more in zip(some, missing, strict=True)]),
        np.concatenate(
            [np.pad(one.scores, ((0, 0), (0, more), (0, 0))) for one, more in zip(some, missing, strict=True)]
        ),
        np.concatenate([one.lengths for one in some]),
    )
