from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

LENGTH: Final = 10
_CELLS: Final = 4_000_000
"""Scores that are held at once: users times items."""

Histories = Sequence[NDArray[np.int64]]
Score = Callable[[Histories], NDArray[np.float32]]
"""Scores of all items for each history, (users, items); greater is better."""


@dataclass(frozen=True, slots=True)
class SequenceScores:
    """Means over all users: NDCG and recall at 10 of the held-out item among all that the user's input lacks."""

    ndcg: float
    recall: float

    @classmethod
    def of(cls, places: NDArray[np.float64]) -> "SequenceScores":
        """Returns the scores of places that count from 0."""
        return cls(ndcg_of(places), float((places < LENGTH).mean()))


def ndcg_of(places: NDArray[np.float64]) -> float:
    """Returns the mean NDCG at 10 of one wanted item a user, at these places from 0."""
    return float(np.where(places < LENGTH, 1 / np.log2(places + 2), 0.0).mean())


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Histories, the item that was held out of each, and how many items there are to find it among."""

    histories: Histories
    wanted: NDArray[np.int64]
    item_count: int

    def __len__(self) -> int:
        return len(self.histories)

    def some(self, cells: int, seed: int) -> "HeldOut":
        """Returns a random part, in order, whose users times items are at most `cells`; one user at least."""
        most = max(1, cells // max(1, self.item_count))
        users = np.sort(np.random.default_rng(seed).permutation(len(self))[:most])
        return HeldOut([self.histories[user] for user in users.tolist()], self.wanted[users], self.item_count)

    def places(self, score: Score) -> NDArray[np.float64]:
        """Returns the place, from 0, of each wanted item among all that are not in the history; ties at mid-rank."""
        places = np.empty(len(self))
        for chunk in self.chunks():
            histories = self.histories[chunk]
            scores = without_history(score(histories), histories)
            of_wanted = scores[np.arange(len(scores)), self.wanted[chunk] - 1][:, None]
            places[chunk] = places_among(scores, of_wanted)
        return places

    def scores(self, score: Score) -> SequenceScores:
        """Returns what the places are worth."""
        return SequenceScores.of(self.places(score))

    def chunks(self) -> Iterator[slice]:
        """Yields all users in slices whose scores of all items fit into memory."""
        size = max(1, _CELLS // max(1, self.item_count))
        for begin in range(0, len(self), size):
            yield slice(begin, min(begin + size, len(self)))


def places_among(scores: NDArray[np.float32], of_wanted: NDArray[np.float32]) -> NDArray[np.float64]:
    """Returns the place, from 0, of a score of each row (users, 1) in its row (users, items); ties at mid-rank.

    Scores that aren't finite rank behind all others: a network that diverged must not look perfect.
    """
    scores, of_wanted = _finite_or_last(scores), _finite_or_last(of_wanted)
    above, equal = (scores > of_wanted).sum(axis=1), (scores == of_wanted).sum(axis=1)
    places: NDArray[np.float64] = above + (equal - 1) / 2
    return places


def _finite_or_last(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.where(np.isfinite(scores), scores, np.float32(-np.inf))


def without_history(scores: NDArray[np.float32], histories: Histories) -> NDArray[np.float32]:
    """Returns the same scores, those of items in the history being lower than all others."""
    rows = np.repeat(np.arange(len(histories)), [len(history) for history in histories])
    scores[rows, np.concatenate([*histories]) - 1] = -np.inf
    return scores
