from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.sequences import sequence_fit
from bench.sequences.sequence_fit import SequenceItems, SequenceModel
from bench.sequences.sequence_plan import SequencePlan
from services.common.progress import NoProgress
from services.ranker.model.config import BehaviorModelConfig

ITEMS = 40
HALVES = np.array([0] + [1 + item % 2 for item in range(ITEMS)])
HISTORIES = [np.array([1 + user % ITEMS, 1 + (user + 2) % ITEMS]) for user in range(ITEMS)]


def model_of(histories: list[NDArray[np.int64]], **sizes: int) -> SequenceModel:
    """A model of items of two kinds, not trained."""
    config = BehaviorModelConfig(width=32, layers=1, minimum_item_events=1, history_length=8)
    items = SequenceItems([HALVES[:, None].astype(np.int32)])
    return SequenceModel(histories, items, SequencePlan(model=config, precision="float32", **sizes), seed=1)


def test_before_it_is_trained_a_user_is_near_what_has_the_content_of_the_history() -> None:
    model = model_of(HISTORIES)
    items = model.item_vectors()
    scores = model.user_vectors(HISTORIES, items) @ items.T
    alike = np.array([HALVES[history[-1]] for history in HISTORIES])[:, None] == HALVES[None, 1:]
    assert scores[alike].mean() > scores[~alike].mean() + 0.2


@pytest.mark.slow
def test_training_ends_with_its_time_inside_an_epoch() -> None:
    histories = [np.arange(1, 7) + user % 30 for user in range(64)]
    model = model_of(histories, batch_places=12, judgments=5)  # 32 steps an epoch
    judged: list[NDArray[np.float32]] = []

    def judge(fitted: SequenceModel) -> float:
        judged.append(fitted.item_vectors())
        return 1.0

    begun = model.item_vectors()
    assert model.fit(histories, judge, 1, NoProgress(), seconds=0.0) == 1.0
    assert len(judged) == 1
    # A step moves a weight by about the learning rate, and an item is the sum of four; an epoch has 32 steps.
    assert 0.0 < np.abs(judged[0] - begun).max() < 2 * 4 * 4e-3
    assert np.array_equal(model.item_vectors(), judged[0])


@pytest.mark.slow
@pytest.mark.parametrize(("least_steps", "epochs"), [(1, 3), (7, 4)])
def test_short_epochs_are_judged_after_enough_steps(
    monkeypatch: pytest.MonkeyPatch, least_steps: int, epochs: int
) -> None:
    histories = [np.arange(1, 7) + user % 30 for user in range(4)]
    model = model_of(histories, batch_places=12, judgments=2, judge_epochs=3, judge_steps=least_steps)
    begun, judged_at = 0, []
    batches = sequence_fit._batches

    def counted(*arguments: Any) -> list[NDArray[np.int32]]:
        nonlocal begun
        begun += 1
        epoch = list(batches(*arguments))
        assert len(epoch) == 2
        return epoch

    def judge(_fitted: SequenceModel) -> float:
        judged_at.append(begun)
        return float(begun)

    monkeypatch.setattr(sequence_fit, "_batches", counted)
    assert model.fit(histories, judge, 1, NoProgress()) == 2 * epochs
    assert judged_at == [epochs, 2 * epochs]


@pytest.mark.slow
@pytest.mark.parametrize(("least_epochs", "judgments"), [(0, 3), (10, 5)])
def test_patience_begins_after_the_least_epochs(least_epochs: int, judgments: int) -> None:
    model = model_of(HISTORIES, judge_epochs=2, judge_steps=1, patience=2, least_epochs=least_epochs)
    worse = iter(range(100, 0, -1))
    assert model.fit(HISTORIES, lambda _fitted: float(next(worse)), 1, NoProgress()) == 100.0
    assert next(worse) == 100 - judgments


def test_histories_that_go_nowhere_end_the_training_at_once() -> None:
    histories = [np.array([1 + user]) for user in range(4)]
    model = model_of(histories)
    begun = model.item_vectors()
    assert model.fit(histories, lambda _fitted: 1.0, 1, NoProgress()) == 1.0
    assert np.array_equal(model.item_vectors(), begun)
