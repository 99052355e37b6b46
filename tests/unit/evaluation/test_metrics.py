from math import log2

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, ndcg_score, precision_score, recall_score

from cli.evaluation.metrics import (
    average_precision_at,
    f1_at,
    hit_at,
    ndcg_at,
    precision_at,
    recall_at,
    reciprocal_rank_at,
)

RANKED = ["a", "b", "c", "d"]
RELEVANT = {"b", "d", "x"}
ALL = (precision_at, recall_at, f1_at, hit_at, reciprocal_rank_at, average_precision_at, ndcg_at)


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        (precision_at, 2 / 4),
        (recall_at, 2 / 3),
        (f1_at, 4 / 7),  # 2 tp / (2 tp + fp + fn) = 4 / (4 + 2 + 1)
        (hit_at, 1.0),
        (reciprocal_rank_at, 1 / 2),
        (average_precision_at, (1 / 2 + 2 / 4) / 3),
        (ndcg_at, (1 / log2(3) + 1 / log2(5)) / (1 + 1 / log2(3) + 1 / log2(4))),
    ],
)
def test_by_hand(metric: object, expected: float) -> None:
    assert callable(metric)
    assert metric(4, RANKED, RELEVANT) == pytest.approx(expected)


@pytest.mark.parametrize("metric", ALL)
@pytest.mark.parametrize("ranked", [[], ["y", "z"]])
def test_no_hit_is_nothing(metric: object, ranked: list[str]) -> None:
    assert callable(metric)
    assert metric(10, ranked, RELEVANT) == 0.0


@pytest.mark.parametrize("metric", ALL)
def test_the_best_possible_ranking_is_one(metric: object) -> None:
    assert callable(metric)
    assert metric(3, ["x", "d", "b", "a"], RELEVANT) == pytest.approx(1.0)


@pytest.mark.parametrize("metric", [ndcg_at, average_precision_at, recall_at, precision_at])
def test_an_item_that_stands_twice_counts_once(metric: object) -> None:
    assert callable(metric)
    assert metric(3, ["b", "b", "b"], RELEVANT) == metric(3, ["b", "y", "z"], RELEVANT)


def test_more_relevant_items_than_places_can_still_be_perfect_in_order_not_in_recall() -> None:
    relevant = set("abcdefghijklmnop")
    assert ndcg_at(2, ["a", "b"], relevant) == pytest.approx(1.0)
    assert average_precision_at(2, ["a", "b"], relevant) == pytest.approx(1.0)
    assert recall_at(2, ["a", "b"], relevant) == 2 / 16


def test_agrees_with_scikit_learn() -> None:
    random = np.random.default_rng(5)
    items = [str(number) for number in range(30)]
    for _ in range(50):
        ranked = random.permutation(items).tolist()
        relevant = set(random.choice(items, random.integers(1, 12), replace=False).tolist())
        truth = np.array([[item in relevant for item in items]], np.int64)
        scores = np.array([[-float(ranked.index(item)) for item in items]])
        shown = np.array([item in ranked[:10] for item in items], np.int64)
        assert ndcg_at(10, ranked, relevant) == pytest.approx(ndcg_score(truth, scores, k=10))
        assert precision_at(10, ranked, relevant) == pytest.approx(precision_score(truth[0], shown))
        assert recall_at(10, ranked, relevant) == pytest.approx(recall_score(truth[0], shown))
        assert f1_at(10, ranked, relevant) == pytest.approx(f1_score(truth[0], shown))
        whole = average_precision_at(len(items), ranked, relevant)
        assert whole == pytest.approx(average_precision_score(truth[0], scores[0]))
