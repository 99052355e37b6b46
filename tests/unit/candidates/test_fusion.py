import numpy as np
import pytest

from services.candidates.fusion import fuse
from services.candidates.proposals import best, nothing


def test_ranks_add_up_by_weight() -> None:
    one = best(np.array([1, 2, 3]), np.array([0.9, 0.8, 0.7]), 10)
    other = best(np.array([3, 4]), np.array([100.0, 1.0]), 10)
    item_nos, scores = fuse({"one": one, "other": other}, {"one": 1.0, "other": 2.0}, 10)
    assert item_nos.tolist() == [3, 4, 1, 2]
    assert scores == pytest.approx([1 / 13 + 2 / 11, 2 / 12, 1 / 11, 1 / 12])


def test_the_limit_cuts_and_equals_go_by_number() -> None:
    one, other = best(np.array([7]), np.ones(1), 1), best(np.array([5]), np.ones(1), 1)
    assert fuse({"one": one, "other": other}, {}, 2)[0].tolist() == [5, 7]
    assert fuse({"one": one, "other": other}, {}, 1)[0].tolist() == [5]
    assert fuse({"one": nothing()}, {}, 5)[0].tolist() == []


def test_scores_that_are_not_finite_are_not_proposed() -> None:
    made = best(np.array([1, 2, 3, 4]), np.array([np.nan, 2.0, np.inf, 2.0]), 10, np.array([9, 8, 7, 6]))
    assert made.item_nos.tolist() == [2, 4]
    assert made.evidence_item_nos is not None
    assert made.evidence_item_nos.tolist() == [8, 6]
