import numpy as np
import pytest

from cli.evaluation.bootstrap import MOST_KEPT, difference, estimate


def test_the_interval_holds_the_mean_and_is_reproducible() -> None:
    values = [0.0, 1.0] * 50
    found = estimate(values)
    assert found.low < found.mean == 0.5 < found.high
    assert found == estimate(values)


@pytest.mark.parametrize("users", [400, MOST_KEPT + 1])
def test_the_interval_is_as_wide_as_the_central_limit_theorem_says(users: int) -> None:
    values = np.random.default_rng(3).random(users)
    found = estimate(values)
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * values.std() / np.sqrt(users), rel=0.12)


def test_a_difference_is_judged_user_by_user() -> None:
    random = np.random.default_rng(4)
    theirs = random.random(200) * 10
    ours = theirs + 0.01  # less than users differ from each other by far, and the same for each
    found = difference(ours, theirs)
    assert found.low > 0
    assert found.mean == pytest.approx(0.01)


def test_no_users_say_nothing() -> None:
    assert np.isnan([estimate([]).mean, estimate([np.nan]).low, difference([], []).high]).all()


def test_users_without_a_value_are_left_out() -> None:
    assert estimate([1.0, np.nan, 3.0]).mean == 2.0
