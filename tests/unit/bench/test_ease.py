import numpy as np
import pytest

from bench.sequences import counting
from bench.sequences.counting import ease_parts, history_weights


def histories() -> list[np.ndarray]:
    random = np.random.default_rng(3)
    return [random.integers(1, 8, size=int(random.integers(1, 6))) for _ in range(40)]


def test_weights_are_those_of_a_ridge_regression_of_each_item_on_the_others() -> None:
    taken = np.zeros((40, 7))
    for user, history in enumerate(histories()):
        taken[user, history - 1] = 1.0
    weights = history_weights(histories(), 7, penalty=5.0)
    for item in range(7):
        others = [other for other in range(7) if other != item]
        by_others = taken[:, others]
        expected = np.linalg.solve(by_others.T @ by_others + 5.0 * np.eye(6), by_others.T @ taken[:, item])
        assert weights[others, item] == pytest.approx(expected, abs=1e-5)
        assert weights[item, item] == 0.0


def test_scores_add_a_history_by_its_age() -> None:
    weights = history_weights(histories(), 7, counting.PENALTY)
    long, short = (part([np.array([2, 5])])[0] for part in ease_parts(histories(), 7))
    assert long == pytest.approx(0.9 * weights[1] + weights[4], abs=1e-6)
    assert short == pytest.approx(0.5 * weights[1] + weights[4], abs=1e-6)


def test_too_many_items_have_no_inverse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "MOST_ITEMS", 6)
    assert ease_parts(histories(), 7) == []
