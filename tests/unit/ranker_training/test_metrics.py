import numpy as np
import pytest

from services.ranker.training.examples.examples import Examples, labels_of
from services.ranker.training.examples.next_visit import Visit
from services.ranker.training.fitting.ranking_metrics import ranking_metrics


def examples_of(candidates: list[list[int]], bought: list[list[int]]) -> Examples:
    item_nos = np.array(candidates, np.int32)
    visits = [Visit(np.array(items), np.ones((len(items), 4), np.float32)) for items in bought]
    labels = np.stack([labels_of(visit, row) for visit, row in zip(visits, item_nos, strict=True)])
    offsets, exposures = np.zeros(item_nos.shape, np.float32), np.zeros(item_nos.shape, np.uint8)
    return Examples({"candidate_item_nos": item_nos}, labels, offsets, exposures, visits)


def test_ndcg_and_recall_are_the_formulas() -> None:
    examples = examples_of([[1, 2, 3, 0]], [[1, 3, 99]])
    metrics = ranking_metrics(examples, np.array([[0.1, 0.9, 0.5, 7.0]]))  # order: 2, 3, 1; the padding is none
    ideal = 1 + 1 / np.log2(3) + 1 / 2
    assert metrics.ndcg == pytest.approx((1 / np.log2(3) + 1 / 2) / ideal)
    assert metrics.recall == pytest.approx(2 / 3)


def test_only_the_first_ten_count() -> None:
    examples = examples_of([list(range(1, 21))], [[20]])
    assert ranking_metrics(examples, -np.arange(20.0)[None]).recall == 0.0
    assert ranking_metrics(examples, np.arange(20.0)[None]).ndcg == pytest.approx(1.0)


def test_scores_that_are_not_finite_come_last() -> None:
    examples = examples_of([[1, 2, *range(50, 61)]], [[1]])
    scores = np.zeros((1, 13))
    scores[0, 0] = np.nan
    assert ranking_metrics(examples, scores).recall == 0.0
