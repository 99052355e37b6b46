"""The report as one HTML file that needs nothing else: no script, no font, no image is fetched."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import jinja2

from cli.evaluation.bootstrap import Estimate
from cli.evaluation.probabilities import ProbabilityQuality
from cli.evaluation.report import figures
from cli.evaluation.report.words import GLOSSARY, best_of, headline, verdict
from cli.evaluation.result import EvaluationResult, RankingResult
from services.common.atomic_files import write_atomically

Row = dict[str, Any]
"""A table's row: `cells`, texts; `ours`, whether it is that of the served feed."""


def write_report(path: Path, result: EvaluationResult) -> None:
    """Writes the report. Raises OSError if it can't be written; what was there before stays then."""
    write_atomically(path, render_report(result).encode())


def render_report(result: EvaluationResult) -> str:
    """Returns the report's HTML. The template escapes whatever comes from the shop."""
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    served, *others = result.rankings
    values: dict[str, Any] = {
        "result": result,
        "headline": headline(result),
        "ranking_figure": figures.ranking_figure(result.rankings),
        "accuracy_rows": [_accuracy_row(one, ours=one is served) for one in result.rankings],
        "meanings": [(one.name, one.meaning) for one in result.rankings],
        "breadth_figure": figures.breadth_figure(result.rankings),
        "breadth_rows": [_breadth_row(one, ours=one is served) for one in result.rankings],
        "segment_rows": [],
        "quality": result.probabilities,
        "probability_rows": [],
        "glossary": GLOSSARY.items(),
    }
    if others and served.segments:
        other = best_of(others)
        values["compared_with"] = other.name
        values["segment_rows"] = list(_segment_rows(served, other))
        values["segment_figure"] = figures.segment_figure(served, other)
    if quality := result.probabilities:
        values["probability_rows"] = list(_probability_rows(quality))
        if quality.bins:
            values["reliability_figure"] = figures.reliability_figure(quality)
    return templates.get_template("report.html").render(values)


def _accuracy_row(ranking: RankingResult, *, ours: bool) -> Row:
    accuracy = ranking.accuracy
    return _row(
        ranking.name,
        _number(accuracy.precision),
        _number(accuracy.recall),
        _number(accuracy.f1),
        f"{accuracy.hit_rate.mean:.1%}",
        *_with_interval(accuracy.ndcg),
        _number(accuracy.mrr),
        _number(accuracy.map),
        "" if ours else verdict(ranking),
        ours=ours,
    )


def _breadth_row(ranking: RankingResult, *, ours: bool) -> Row:
    breadth = ranking.breadth
    return _row(
        ranking.name,
        f"{breadth.coverage:.2%}",
        f"{breadth.diversity:.3f}",
        f"{breadth.novelty_bits:.2f}",
        f"{breadth.repeated:.1%}",
        ours=ours,
    )


def _segment_rows(served: RankingResult, other: RankingResult) -> Iterable[Row]:
    for ours, theirs in zip(served.segments, other.segments, strict=True):
        name = f"{ours.kind}: {ours.name}"
        intervals = (*_with_interval(ours.accuracy.ndcg), *_with_interval(theirs.accuracy.ndcg))
        yield _row(name, f"{ours.users:,}", *intervals)


def _probability_rows(quality: ProbabilityQuality) -> Iterable[Row]:
    for name, value in (
        ("AUC", quality.auc),
        ("Calibration error", quality.calibration_error),
        ("Expected over observed", quality.expected_over_observed),
        ("Log loss", quality.log_loss),
        ("Accuracy at ½", quality.accuracy),
        ("Accuracy of always saying “never”", quality.accuracy_of_never),
        ("Precision at ½", quality.precision),
        ("Recall at ½", quality.recall),
        ("F1 at ½", quality.f1),
    ):
        if value == value:  # noqa: PLR0124  # not NaN: a figure without a value here has no row
            yield _row(name, f"{value:.4f}")


def _row(*cells: str, ours: bool = False) -> Row:
    return {"cells": cells, "ours": ours}


def _number(estimate: Estimate) -> str:
    return f"{estimate.mean:.4f}"


def _with_interval(estimate: Estimate) -> Sequence[str]:
    return _number(estimate), f"{estimate.low:.4f} – {estimate.high:.4f}"
