"""Leave-one-out benchmark of backbone and retrieval head on a folder of sequences, all items ranked."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cli.benchmarks.cooccurrence import CoOccurrence
from cli.benchmarks.sequence_folder import SequenceData
from services.common.progress import Progress
from services.ranker.training.sequence_fit import SequenceItems, SequenceModel
from services.ranker.training.sequence_plan import SequencePlan

LENGTH: Final = 10
_CHUNK: Final = 256
_JUDGED: Final = 4_000
"""Users whose validation decides about an epoch; the weights are chosen on all."""

WEIGHTS: Final = tuple(product((0.0, 0.1, 0.2, 0.4), (0.0, 0.1, 0.2, 0.4)))
"""What the logarithms of undirected and directed co-occurrence may weigh beside the model's logits."""

_FLOOR: Final = 1e-3
"""Added to co-occurrence scores before their logarithm: what was never counted is not impossible."""


@dataclass(frozen=True, slots=True)
class SequenceScores:
    """Means over all users: NDCG and recall at 10 of the held-out item among all that the user's input lacks."""

    ndcg: float
    recall: float


@dataclass(frozen=True, slots=True)
class SeedResult:
    """One training: test figures of the model alone and with co-occurrence, and the weights that validation chose."""

    model: SequenceScores
    blend: SequenceScores
    weights: tuple[float, float]
    validation: SequenceScores


def bench_seed(data: SequenceData, plan: SequencePlan, seed: int, progress: Progress) -> SeedResult:
    """Trains on all but each user's last two items, chooses on the last but one, and reads the last one once."""
    training = [sequence[:-2] for sequence in data.sequences]
    wanted = np.array([sequence[-2] for sequence in data.sequences])
    counts = CoOccurrence(training, data.item_count)
    model = SequenceModel(training, SequenceItems(data.attribute_nos), plan, seed)
    some = np.random.default_rng(seed).permutation(len(training))[:_JUDGED]

    def judge(fitted: SequenceModel) -> float:
        histories = [training[place] for place in some]
        return _scores(_places(fitted, None, histories, wanted[some], [(0.0, 0.0)])[0]).ndcg

    model.fit(training, judge, seed, progress)
    chosen = [_scores(places) for places in _places(model, counts, training, wanted, WEIGHTS)]
    best = int(np.argmax([scores.ndcg for scores in chosen]))
    last = np.array([sequence[-1] for sequence in data.sequences])
    inputs = [sequence[:-1] for sequence in data.sequences]
    alone, blended = _places(model, counts, inputs, last, [(0.0, 0.0), WEIGHTS[best]])
    return SeedResult(_scores(alone), _scores(blended), WEIGHTS[best], chosen[best])


def _places(
    model: SequenceModel,
    counts: CoOccurrence | None,
    histories: Sequence[NDArray[np.int64]],
    wanted: NDArray[np.int64],
    weights: Sequence[tuple[float, float]],
) -> NDArray[np.float64]:
    """Returns the place of each wanted item, from 0, for each pair of weights: (weights, users); ties at mid-rank."""
    items = model.item_vectors()
    places = np.empty((len(weights), len(histories)))
    for begin in range(0, len(histories), _CHUNK):
        chunk = histories[begin : begin + _CHUNK]
        rows = np.arange(len(chunk))
        logits = model.user_vectors(chunk) @ items.T
        for row, history in enumerate(chunk):
            logits[row, history - 1] = -np.inf
        parts: tuple[Any, Any] = (0.0, 0.0)
        if counts is not None:
            undirected, directed = counts.scores(chunk)
            parts = np.log(undirected + _FLOOR), np.log(directed + _FLOOR)
        for number, (first, second) in enumerate(weights):
            scores = logits + first * parts[0] + second * parts[1]
            of_wanted = scores[rows, wanted[begin : begin + len(chunk)] - 1][:, None]
            above, equal = (scores > of_wanted).sum(axis=1), (scores == of_wanted).sum(axis=1)
            places[number, begin : begin + len(chunk)] = above + (equal - 1) / 2
    return places


def _scores(places: NDArray[np.float64]) -> SequenceScores:
    hits = places < LENGTH
    return SequenceScores(float(np.where(hits, 1 / np.log2(places + 2), 0.0).mean()), float(hits.mean()))
