from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cli.benchmarks.leave_one_out import HeldOut, Histories, Score, ndcg_of, without_history

CONSIDERED: Final = 60
"""Items of each part's best for a user that compete while weights are chosen."""

WEIGHTS: Final = (0.0, 0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.4, 0.55, 0.75, 1.0)
FLOORS: Final = (0.01, 0.03, 0.1, 0.3, 1.0)
"""Beside a part's usual score: added before the logarithm, since what was never counted is not impossible."""

_ROUNDS: Final = 3
_MOST_CELLS: Final = 400_000_000


@dataclass(frozen=True, slots=True)
class CountWeight:
    """What a counting part's score s adds: weight * ln(s / usual + floor); scores below 0 are taken for 0."""

    weight: float
    floor: float
    usual: float

    def added(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """Returns what is added for these scores, of the same shape."""
        added: NDArray[np.float32] = np.log(np.maximum(scores, 0) / np.float32(self.usual) + np.float32(self.floor))
        return np.float32(self.weight) * added


@dataclass(frozen=True, slots=True)
class Blend:
    """A model's logits plus logarithms of counted scores."""

    model: Score
    counts: Sequence[Score]
    weights: Sequence[CountWeight] = field(default_factory=list)

    def scores(self, histories: Histories) -> NDArray[np.float32]:
        """Returns the scores of all items, (users, items)."""
        scores = self.model(histories)
        for count, weight in zip(self.counts, self.weights, strict=True):
            if weight.weight:
                scores = scores + weight.added(count(histories))
        return scores


def choose_blend(model: Score, counts: Sequence[Score], validation: HeldOut, seed: int) -> Blend:
    """Returns the blend that ranks the wanted items best by NDCG@10: one weight after the other, three rounds.

    A user's items compete that are among some part's best ones: no blend has others near its top. Where there are many
    users and items, a random part of the users decides.
    """
    tables = _considered([model, *counts], validation.some(_MOST_CELLS, seed))
    logits, counted = tables[0], tables[1:]
    usual = [float(np.median(table[table > 0])) if (table > 0).any() else 1.0 for table in counted]
    weights = [CountWeight(0.0, FLOORS[-1], scale) for scale in usual]
    best = ndcg_of(_first_places(logits))
    for _ in range(_ROUNDS):
        before = best
        for part, table in enumerate(counted):
            others = logits + sum(
                weight.added(counted[other]) for other, weight in enumerate(weights) if other != part and weight.weight
            )
            for floor in FLOORS:
                one = CountWeight(1.0, floor, usual[part]).added(table)
                for weight in WEIGHTS:
                    judged = ndcg_of(_first_places(others + np.float32(weight) * one))
                    if judged > best:
                        best, weights[part] = judged, CountWeight(weight, floor, usual[part])
        if best == before:
            break
    return Blend(model, counts, weights)


def _considered(parts: Sequence[Score], held_out: HeldOut) -> list[NDArray[np.float32]]:
    """Returns each part's scores of the items that compete, (users, places): the wanted one first, then the others."""
    histories, best = held_out.histories, min(CONSIDERED, held_out.item_count)
    places = best * len(parts) + 1
    tables = [np.zeros((len(histories), places), np.float32) for _ in parts]
    tables[0][:] = -np.inf
    for chunk in held_out.chunks():
        scored = [part(histories[chunk]) for part in parts]
        kept = [without_history(scores.copy(), histories[chunk]) for scores in scored]
        tops = np.concatenate([np.argpartition(scores, -best, axis=1)[:, -best:] for scores in kept], axis=1)
        for row, user in enumerate(range(chunk.start, chunk.stop)):
            target = held_out.wanted[user] - 1
            others = np.unique(tops[row])
            others = others[(others != target) & np.isfinite(kept[0][row, others])]
            competing = np.concatenate([[target], others])
            for table, scores in zip(tables, scored, strict=True):
                table[user, : len(competing)] = scores[row, competing]
    return tables


def _first_places(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """Returns the place, from 0, of the first column's score in each row; ties at mid-rank."""
    first, others = scores[:, :1], scores[:, 1:]
    places: NDArray[np.float64] = (others > first).sum(axis=1) + (others == first).sum(axis=1) / 2
    return places
