"""Leave-one-out benchmark of backbone and retrieval head on a folder of sequences, all items ranked."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.sequences.counting import CoOccurrence, ease_parts
from bench.sequences.leave_one_out import HeldOut, Histories, Score, SequenceScores
from bench.sequences.reranking import learn_reranking
from bench.sequences.sequence_fit import SequenceItems, SequenceModel
from bench.sequences.sequence_folder import SequenceData
from bench.sequences.sequence_plan import SequencePlan
from services.common.progress import Progress

MEMBERS: Final = 6
"""Networks that are trained, at most: as many as there is time for."""

_SHORTENED: Final = 0.7
"""Part of the time of the longest training before that is enough to begin another one."""

_JUDGED_CELLS: Final = 200_000_000
"""Users times items that decide about an epoch."""


@dataclass(frozen=True, slots=True)
class SeedResult:
    """One seed: test figures of one network, of all networks together, and of these and counting, reranked; and of the
    latter on the last but one, crosswise.
    """

    single: SequenceScores
    model: SequenceScores
    reranked: SequenceScores
    members: int
    validation: SequenceScores


def bench_seed(  # noqa: PLR0917  # what a run is told
    data: SequenceData,
    plan: SequencePlan,
    seed: int,
    progress: Progress,
    minutes: float = 45.0,
    most_members: int = MEMBERS,
) -> SeedResult:
    """Trains on all but each user's last two items, chooses on the last but one, and reads the last one once.

    Networks are trained one after the other, at most so many, as long as most of one more fits into the minutes of
    processor time; the last one ends with them. One that makes the mean worse is left out of it.
    """
    sequences = sorted(data.sequences, key=len)  # those of like length are encoded together
    training = [sequence[:-2] for sequence in sequences]
    validation = HeldOut(training, np.array([sequence[-2] for sequence in sequences]), data.item_count)
    test = HeldOut(
        [sequence[:-1] for sequence in sequences], np.array([sequence[-1] for sequence in sequences]), data.item_count
    )
    models = _members(data, validation, plan, seed, progress, minutes, most_members)
    together = _score(models)
    counts = [*CoOccurrence(training, data.item_count).parts(), *ease_parts(training, data.item_count)]
    taken = np.bincount(np.concatenate([*training]), minlength=data.item_count + 1)
    reranking = learn_reranking(together, counts, validation, taken, seed)
    return SeedResult(
        single=test.scores(_score(models[:1])),
        model=test.scores(together),
        reranked=test.scores(reranking.scores),
        members=len(models),
        validation=reranking.validation,
    )


def _members(  # noqa: PLR0917  # what `bench_seed` was given
    data: SequenceData,
    validation: HeldOut,
    plan: SequencePlan,
    seed: int,
    progress: Progress,
    minutes: float,
    most: int,
) -> list[SequenceModel]:
    judging = validation.some(_JUDGED_CELLS, seed)

    def judged(models: Sequence[SequenceModel]) -> float:
        return judging.scores(_score(models)).ndcg

    models: list[SequenceModel] = []
    together = -math.inf
    started, longest, left = time.process_time(), 0.0, minutes * 60
    for number in range(most):
        if models and left <= _SHORTENED * longest:
            break
        begun, member = time.process_time(), seed + 1_000 * number
        model = SequenceModel(validation.histories, SequenceItems(data.content), plan, member)
        alone = model.fit(validation.histories, lambda fitted: judged([fitted]), member, progress, seconds=left)
        # One that the time cut short may know next to nothing.
        if (with_it := judged([*models, model]) if models else alone) >= together:
            models.append(model)
            together = with_it
        longest = max(longest, time.process_time() - begun)
        left = minutes * 60 - (time.process_time() - started)
    return models


def _score(models: Sequence[SequenceModel]) -> Score:
    """Returns the mean of the models' logits as a score: products of vectors that stand behind one another."""
    catalogs = [model.item_vectors() for model in models]
    items = np.concatenate(catalogs, axis=1).T / np.float32(len(models))

    def score(histories: Histories) -> NDArray[np.float32]:
        each = [model.user_vectors(histories, catalog) for model, catalog in zip(models, catalogs, strict=True)]
        scores = np.concatenate(each, axis=1) @ items
        return scores.astype(np.float32, copy=False)

    return score
