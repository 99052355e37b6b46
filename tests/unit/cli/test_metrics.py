from math import log2

import pytest

from cli.evaluation.metrics import confidence_interval, ndcg_at, recall_at


def test_recall_is_the_share_of_the_basket_that_was_shown() -> None:
    assert recall_at(2, ["a", "b", "c"], {"a", "c", "d", "e"}) == 0.25
    assert recall_at(3, ["a", "b", "c"], {"a", "c", "d", "e"}) == 0.5


def test_ndcg_counts_early_hits_more_and_is_one_at_best() -> None:
    assert ndcg_at(2, ["a", "b"], {"a", "b", "c"}) == pytest.approx(1.0)
    assert ndcg_at(3, ["x", "a", "y"], {"a"}) == pytest.approx(1 / log2(3))
    assert ndcg_at(3, ["x", "y", "z"], {"a"}) == 0.0


def test_an_empty_ranking_scores_nothing() -> None:
    assert recall_at(10, [], {"a"}) == 0.0
    assert ndcg_at(10, [], {"a"}) == 0.0


def test_the_interval_holds_the_mean_and_is_reproducible() -> None:
    values = [0.0, 1.0] * 50
    low, high = confidence_interval(values)
    assert low < 0.5 < high
    assert (low, high) == confidence_interval(values)
