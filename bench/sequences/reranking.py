"""The order of what a model and counting parts find, learned from the items that validation holds out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.sequences.leave_one_out import HeldOut, Histories, Score, SequenceScores, places_among
from bench.sequences.reranking_network import RerankingNetwork
from bench.sequences.shortlist import Shortlist, shortlist, shortlist_of

_MOST_CELLS = 400_000_000
_MOST_USERS = 30_000
"""Users, and users times items, that the order is learned from."""


@dataclass(frozen=True, slots=True)
class Reranking:
    """The order of the part that ranks best by itself, and before it that of each user's shortlist by a network.

    Args:
        parts: the model's logits, then what was counted.
        base: which of them ranks best.
        network: what orders the shortlist; None: the base does.
        validation: how well users are ranked by what the other half of them taught.
    """

    parts: Sequence[Score]
    base: int
    network: RerankingNetwork | None
    validation: SequenceScores

    def scores(self, histories: Histories) -> NDArray[np.float32]:
        """Returns scores of all items, (users, items): first those of the shortlist, then the others by the base."""
        if self.network is None:
            return self.parts[self.base](histories)
        parts = [part(histories) for part in self.parts]
        competing = shortlist(parts, histories)
        rows, places = np.nonzero(competing.item_nos)
        values = self.network.scores(competing)[rows, places]
        base = parts[self.base]
        scores: NDArray[np.float32] = base - (base.max() - values.min(initial=0.0) + 1.0)
        scores[rows, competing.item_nos[rows, places] - 1] = values
        return scores


def learn_reranking(
    model: Score, counts: Sequence[Score], validation: HeldOut, taken: NDArray[np.int64], seed: int
) -> Reranking:
    """Returns the order that puts what validation wants first.

    Half of the users teach a network that the other half judges, and the other way round. Where that is better than the
    best part alone, by NDCG at 10, all users teach the one that is used; else that part's order stays.

    Args:
        model: its logits.
        counts: scores of 0 and more.
        validation: what was held out.
        taken: how often each item was, by number.
        seed: of the halves, and of what networks begin at.
    """
    parts = [model, *counts]
    some = validation.some(min(_MOST_CELLS, _MOST_USERS * validation.item_count), seed)
    competing = shortlist_of(parts, some)
    each = [
        SequenceScores.of(_places(competing.scores[..., part], competing, some.wanted)) for part in range(len(parts))
    ]
    base = max(range(len(parts)), key=lambda part: each[part].ndcg)

    def taught(users: NDArray[np.int64]) -> RerankingNetwork:
        return RerankingNetwork(competing.of(users), some.wanted[users], taken, base, seed)

    halves = np.random.default_rng(seed).permutation(len(some)) % 2
    places = np.empty(len(some))
    for half in (0, 1):
        judged = np.flatnonzero(halves == half)
        chosen = competing.of(judged)
        scores = taught(np.flatnonzero(halves != half)).scores(chosen)
        places[judged] = _places(scores, chosen, some.wanted[judged])
    crosswise = SequenceScores.of(places)
    if crosswise.ndcg <= each[base].ndcg:
        return Reranking(parts, base, None, each[base])
    return Reranking(parts, base, taught(np.arange(len(some))), crosswise)


def _places(scores: NDArray[np.float32], competing: Shortlist, wanted: NDArray[np.int64]) -> NDArray[np.float64]:
    """Returns the place, from 0, of each wanted item; ties at mid-rank, the last of all where it does not compete."""
    is_wanted = competing.item_nos == wanted[:, None]
    of_wanted = np.where(is_wanted, scores, -np.inf).max(axis=1, keepdims=True)
    places = places_among(np.where(competing.item_nos > 0, scores, -np.inf), of_wanted)
    return np.where(is_wanted.any(axis=1), places, np.inf)
