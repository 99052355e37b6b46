"""Whether probabilities can be taken at their word: candidates that were judged, against what was then bought."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

BINS: Final = 15
THRESHOLD: Final = 0.5


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Candidates of like probability: how many, what was expected of them on average, and what came."""

    count: int
    expected: float
    observed: float


@dataclass(frozen=True, slots=True)
class ProbabilityQuality:
    """Of all judged candidates together; NaN where a figure has no meaning, as AUC has none of one class."""

    candidates: int
    positives: int
    auc: float
    accuracy: float
    accuracy_of_never: float
    """Accuracy of saying "not bought" of everything: what `accuracy` is to be read against."""

    precision: float
    recall: float
    f1: float
    log_loss: float
    calibration_error: float
    expected_over_observed: float
    bins: list[ReliabilityBin]


def judge(probabilities: NDArray[np.float64], labels: NDArray[np.bool_]) -> ProbabilityQuality:
    """Judges probabilities, shape (n,), finite, by labels of the same shape. Decisions are those of the threshold 0.5.

    Log loss is in nats (Good 1952), probabilities being held off 0 and 1 by 1e-7.
    """
    count, positives = len(labels), int(labels.sum())
    said = probabilities >= THRESHOLD
    true_positives = int((said & labels).sum())
    precision = _share(true_positives, int(said.sum()))
    recall = _share(true_positives, positives)
    clipped = np.clip(probabilities, 1e-7, 1 - 1e-7)
    losses = -np.where(labels, np.log(clipped), np.log1p(-clipped))
    bins = reliability(probabilities, labels)
    return ProbabilityQuality(
        candidates=count,
        positives=positives,
        auc=auc(probabilities, labels),
        accuracy=_share(int((said == labels).sum()), count),
        accuracy_of_never=_share(count - positives, count),
        precision=precision,
        recall=recall,
        f1=_share(2 * true_positives, int(said.sum()) + positives),
        log_loss=float(losses.mean()) if count else float("nan"),
        calibration_error=calibration_error(bins),
        expected_over_observed=_share(float(probabilities.sum()), positives),
        bins=bins,
    )


def auc(scores: NDArray[np.float64], labels: NDArray[np.bool_]) -> float:
    """How likely a positive stands above a negative, equal scores counting half: the area under the ROC curve as the
    statistic of Mann and Whitney (1947). NaN where one class is missing.
    """
    positives = int(labels.sum())
    negatives = len(labels) - positives
    if not positives or not negatives:
        return float("nan")
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks = (ends - (counts - 1) / 2)[place]  # from 1, equal scores sharing their mean
    return float((ranks[labels].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def reliability(probabilities: NDArray[np.float64], labels: NDArray[np.bool_]) -> list[ReliabilityBin]:
    """At most 15 bins of equal numbers of candidates, in the order of probability: bins of equal width would put nearly
    all into the first, since most candidates are not bought. Equal probabilities stay in one bin.
    """
    order = np.argsort(probabilities, kind="stable")
    ordered = probabilities[order]
    edges = ordered[len(ordered) * np.arange(1, BINS) // BINS] if len(ordered) else ordered
    parts = np.split(order, np.unique(np.searchsorted(ordered, edges)))
    return [
        ReliabilityBin(len(part), float(probabilities[part].mean()), float(labels[part].mean()))
        for part in parts
        if len(part)
    ]


def calibration_error(bins: list[ReliabilityBin]) -> float:
    """Mean distance of expected and observed over the bins, weighted by size: expected calibration error (Naeini,
    Cooper and Hauskrecht 2015; equal-mass bins: Nixon et al. 2019). NaN without candidates.
    """
    total = sum(part.count for part in bins)
    return _share(sum(part.count * abs(part.expected - part.observed) for part in bins), total)


def _share(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")
