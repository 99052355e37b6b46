import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, log_loss, precision_score, recall_score, roc_auc_score

from cli.evaluation.probabilities import BINS, auc, calibration_error, judge, reliability


def test_auc_by_hand() -> None:
    # Of the four pairs (positive, negative) three are right and one is even.
    assert auc(np.array([0.9, 0.5, 0.5, 0.1]), np.array([True, True, False, False])) == pytest.approx(3.5 / 4)


def test_agrees_with_scikit_learn() -> None:
    random = np.random.default_rng(1)
    probabilities = np.round(random.random(500), 2)  # many equal ones
    labels = random.random(500) < probabilities
    quality = judge(probabilities, labels)
    said = probabilities >= 0.5
    assert quality.auc == pytest.approx(roc_auc_score(labels, probabilities))
    assert quality.accuracy == pytest.approx(accuracy_score(labels, said))
    assert quality.precision == pytest.approx(precision_score(labels, said))
    assert quality.recall == pytest.approx(recall_score(labels, said))
    assert quality.f1 == pytest.approx(f1_score(labels, said))
    assert quality.log_loss == pytest.approx(log_loss(labels, np.clip(probabilities, 1e-7, 1 - 1e-7)))


def test_true_probabilities_have_a_small_calibration_error_and_false_ones_a_large() -> None:
    random = np.random.default_rng(2)
    probabilities = random.random(50_000) ** 4
    labels = random.random(50_000) < probabilities
    assert judge(probabilities, labels).calibration_error < 0.01
    assert judge(np.sqrt(probabilities), labels).calibration_error > 0.1
    assert judge(probabilities, labels).expected_over_observed == pytest.approx(1.0, abs=0.03)


def test_calibration_error_by_hand() -> None:
    probabilities = np.array([0.2] * 10 + [0.8] * 10)
    labels = np.array([True] * 4 + [False] * 6 + [True] * 7 + [False] * 3)
    bins = reliability(probabilities, labels)
    assert [(part.count, round(part.expected, 6), part.observed) for part in bins] == [(10, 0.2, 0.4), (10, 0.8, 0.7)]
    assert calibration_error(bins) == pytest.approx(0.5 * 0.2 + 0.5 * 0.1)


def test_bins_are_of_like_size_and_keep_equal_probabilities_together() -> None:
    bins = reliability(np.linspace(0, 1, 1500), np.zeros(1500, np.bool_))
    assert [part.count for part in bins] == [100] * BINS
    assert len(reliability(np.full(1500, 0.3), np.zeros(1500, np.bool_))) == 1


@pytest.mark.parametrize("labels", [[True] * 3, [False] * 3])
def test_labels_of_one_class_have_no_auc_and_all_else(labels: list[bool]) -> None:
    quality = judge(np.array([0.1, 0.2, 0.7]), np.array(labels))
    assert np.isnan(quality.auc)
    assert np.isfinite([quality.accuracy, quality.log_loss, quality.calibration_error]).all()


def test_nothing_judged_has_no_figures() -> None:
    quality = judge(np.zeros(0), np.zeros(0, np.bool_))
    assert quality.bins == []
    assert np.isnan([quality.auc, quality.accuracy, quality.calibration_error, quality.log_loss]).all()
