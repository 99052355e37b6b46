import numpy as np
import pytest

from bench.sequences.leave_one_out import places_among


def places(scores: list[float], wanted: float) -> float:
    return float(places_among(np.array([scores], np.float32), np.array([[wanted]], np.float32))[0])


def test_ties_are_at_mid_rank() -> None:
    assert places([3, 2, 2, 1], 3) == 0
    assert places([3, 2, 2, 1], 2) == 1.5


@pytest.mark.parametrize("diverged", [np.nan, np.inf, -np.inf])
def test_a_score_that_is_not_finite_ranks_last(diverged: float) -> None:
    assert places([3, 2, 1, diverged], diverged) == 3
    assert places([diverged, 2, 1, 3], 3) == 0


def test_a_network_that_diverged_altogether_ranks_by_chance() -> None:
    assert places([np.nan] * 5, np.nan) == 2
