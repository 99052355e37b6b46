"""The report as one HTML file that needs nothing else: no script, no font, no image is fetched."""

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Final

from cli.evaluation.bootstrap import Estimate
from cli.evaluation.probabilities import ProbabilityQuality
from cli.evaluation.report import figures
from cli.evaluation.report.words import GLOSSARY, best_of, headline, verdict
from cli.evaluation.result import EvaluationResult, RankingResult
from services.common.atomic_files import write_atomically

_STYLE: Final = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1d2521; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.7rem; } h2 { font-size: 1.25rem; margin-top: 2.5rem; } .lead { font-size: 1.15rem; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
th, td { padding: .35rem .6rem; text-align: right; }
th:first-child, td:first-child { text-align: left; } thead { border-bottom: 2px solid #1f6f54; }
tbody tr { border-bottom: 1px solid #e2e6e4; } tr.ours { background: #eef6f2; font-weight: 600; }
.note { color: #56605b; font-size: .9rem; } .scroll { overflow-x: auto; } svg { max-width: 100%; height: auto; }
figure { margin: 1rem 0; } dt { font-weight: 600; margin-top: .6rem; } dd { margin-left: 0; }
"""


def write_report(path: Path, result: EvaluationResult) -> None:
    """Writes the report. Raises OSError where it cannot be written; then what was there before stays."""
    write_atomically(path, render_report(result).encode())


def render_report(result: EvaluationResult) -> str:
    """Returns the report's HTML. Names that come from the shop are escaped."""
    served, *others = result.rankings
    parts = [
        f'<p class="lead">{escape(headline(result))}</p>',
        f'<p class="note">Pages as of {result.begin:%Y-%m-%d %H:%M} UTC; {result.items:,} items could be shown.</p>',
        *_comparison(result.rankings),
        *_breadth(result.rankings),
        *(_segments(served, best_of(others)) if others and served.segments else ()),
        *(_probabilities(result.probabilities, result.scored_by_model) if result.probabilities else ()),
        *_words(),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>How good are the pages?</title><style>{_STYLE}</style></head><body><main>"
        f"<h1>How good are the pages?</h1>{''.join(parts)}</main></body></html>\n"
    )


def _comparison(rankings: Sequence[RankingResult]) -> Iterable[str]:
    yield "<h2>Who finds what customers buy next?</h2>"
    yield _figure(figures.ranking_figure(rankings), "How well each way of choosing items meets the next purchase")
    head = ("", "Precision", "Recall", "F1", "Hit rate", "NDCG", "95 % interval", "MRR", "MAP", "Against the page")
    yield _table(head, (_accuracy_row(one, ours=place == 0) for place, one in enumerate(rankings)))
    yield "<dl>" + "".join(f"<dt>{escape(one.name)}</dt><dd>{escape(one.meaning)}</dd>" for one in rankings) + "</dl>"


def _accuracy_row(ranking: RankingResult, *, ours: bool) -> str:
    accuracy = ranking.accuracy
    cells = [
        ranking.name,
        _number(accuracy.precision),
        _number(accuracy.recall),
        _number(accuracy.f1),
        f"{accuracy.hit_rate.mean:.1%}",
        _number(accuracy.ndcg),
        f"{accuracy.ndcg.low:.4f} – {accuracy.ndcg.high:.4f}",
        _number(accuracy.mrr),
        _number(accuracy.map),
        "" if ours else verdict(ranking),
    ]
    return _row(cells, ours=ours)


def _breadth(rankings: Sequence[RankingResult]) -> Iterable[str]:
    yield "<h2>How much of the shop do customers see?</h2>"
    yield _figure(figures.breadth_figure(rankings), "How much of the catalog each way of choosing items shows")
    head = ("", "Catalog shown", "Diversity", "Novelty (bits)", "Bought before")
    rows = (
        _row(
            [
                one.name,
                f"{one.breadth.coverage:.2%}",
                f"{one.breadth.diversity:.3f}",
                f"{one.breadth.novelty_bits:.2f}",
                f"{one.breadth.repeated:.1%}",
            ],
            ours=place == 0,
        )
        for place, one in enumerate(rankings)
    )
    yield _table(head, rows)


def _segments(served: RankingResult, other: RankingResult) -> Iterable[str]:
    yield "<h2>For whom does it work?</h2>"
    yield (
        '<p class="note">Light users bought no more than the median customer so far, heavy users more. “New items” '
        "counts only purchases of what came in during the last 30 days or had never been sold.</p>"
    )
    yield _figure(figures.segment_figure(served, other), "NDCG by group of customers, with 95 % intervals")
    rows = (
        _row([f"{ours.kind}: {ours.name}", f"{ours.users:,}", *_pair(ours.accuracy.ndcg), *_pair(theirs.accuracy.ndcg)])
        for ours, theirs in zip(served.segments, other.segments, strict=True)
    )
    yield _table(("", "Customers", "Page", "95 % interval", other.name, "95 % interval"), rows)


def _probabilities(quality: ProbabilityQuality, by_model: float) -> Iterable[str]:
    yield "<h2>Can the probabilities be believed?</h2>"
    scorer = (
        "" if by_model == 1.0 else f" The model scored {by_model:.0%} of the customers, the simple scorer the rest."
    )
    yield (
        f"<p>{quality.candidates:,} items were proposed to customers with a probability each; "
        f"{quality.positives:,} were bought.{scorer}</p>"
    )
    if quality.bins:
        yield _figure(figures.reliability_figure(quality), "Expected against observed purchases")
    rows = [
        _row([name, f"{value:.4f}"])
        for name, value in (
            ("AUC", quality.auc),
            ("Calibration error", quality.calibration_error),
            ("Expected over observed", quality.expected_over_observed),
            ("Log loss", quality.log_loss),
            ("Accuracy at ½", quality.accuracy),
            ("Accuracy of saying “never”", quality.accuracy_of_never),
            ("Precision at ½", quality.precision),
            ("Recall at ½", quality.recall),
            ("F1 at ½", quality.f1),
        )
        if value == value  # noqa: PLR0124  # not NaN: a figure that has no value here has no row
    ]
    yield _table(("", "Value"), rows)


def _words() -> Iterable[str]:
    yield "<h2>What the words mean</h2><dl>"
    yield from (f"<dt>{escape(word)}</dt><dd>{escape(meaning)}</dd>" for word, meaning in GLOSSARY.items())
    yield "</dl>"


def _figure(svg: str, title: str) -> str:
    title = escape(title)
    return f'<figure role="img" aria-label="{title}">{svg}<figcaption class="note">{title}</figcaption></figure>'


def _table(head: Sequence[str], rows: Iterable[str]) -> str:
    cells = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    return f'<div class="scroll"><table><thead><tr>{cells}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'


def _row(cells: Sequence[str], *, ours: bool = False) -> str:
    mark = ' class="ours"' if ours else ""
    return f"<tr{mark}>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"


def _number(estimate: Estimate) -> str:
    return f"{estimate.mean:.4f}"


def _pair(estimate: Estimate) -> tuple[str, str]:
    return _number(estimate), f"{estimate.low:.4f} – {estimate.high:.4f}"
