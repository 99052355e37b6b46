"""The report's figures, as SVG to stand in a page: text stays text, nothing is fetched."""

import io
from collections.abc import Sequence
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from cli.evaluation.bootstrap import Estimate
from cli.evaluation.probabilities import ProbabilityQuality
from cli.evaluation.result import RankingResult

OURS: Final = "#1f6f54"
OTHERS: Final = "#b9c2bd"
SECOND: Final = "#c98a2b"
_STYLE: Final[Any] = {
    "text.parse_math": False,  # names of a shop may hold dollars
    "svg.fonttype": "none",
    "svg.hashsalt": "vitrine",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def ranking_figure(rankings: Sequence[RankingResult]) -> str:
    """How many of the first places are right (NDCG), with intervals; the served feed, the first, stands out."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(7.5, 0.6 + 0.42 * len(rankings)), layout="constrained")
        axes = figure.subplots()
        _bars(axes, [(one.name, one.accuracy.ndcg) for one in rankings])
        axes.set_xlabel("NDCG@10 (0: nothing right, 1: everything right and in front)")
        return _svg(figure)


def segment_figure(served: RankingResult, other: RankingResult) -> str:
    """The served feed and one other ranking, segment by segment."""
    names = [f"{part.kind}: {part.name}" if part.kind != "history" else part.name for part in served.segments]
    places = np.arange(len(names))
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(7.5, 1.0 + 0.34 * len(names)), layout="constrained")
        axes = figure.subplots()
        for ranking, color, shift in ((served, OURS, -0.2), (other, SECOND, 0.2)):
            estimates = [part.accuracy.ndcg for part in ranking.segments]
            axes.barh(
                places + shift,
                [one.mean for one in estimates],
                height=0.38,
                xerr=_errors(estimates),
                color=color,
                ecolor="#555555",
                label=ranking.name,
            )
        axes.set_yticks(places, names)
        axes.invert_yaxis()
        axes.set_xlabel("NDCG@10")
        figure.legend(frameon=False, loc="outside upper right", ncols=2)
        return _svg(figure)


def reliability_figure(quality: ProbabilityQuality) -> str:
    """What was promised against what came: on the dashed line the probabilities are true."""
    expected = [max(part.expected, 1e-6) for part in quality.bins]
    observed = [part.observed for part in quality.bins]
    low = min(1e-4, *expected)
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(5.0, 4.2), layout="constrained")
        axes = figure.subplots()
        axes.plot([low, 1], [low, 1], linestyle="--", color="#888888", linewidth=1)
        axes.plot(expected, observed, marker="o", color=OURS)
        axes.set_xscale("log")
        axes.set_yscale("symlog", linthresh=low)
        axes.set_ylim(bottom=0.0)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g} %"))
        axes.set_xlabel("expected share that is bought")
        axes.set_ylabel("share that was bought")
        return _svg(figure)


def breadth_figure(rankings: Sequence[RankingResult]) -> str:
    """How much of the catalog each ranking shows."""
    shares = [100 * one.breadth.coverage for one in rankings]
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(7.5, 0.6 + 0.42 * len(rankings)), layout="constrained")
        axes = figure.subplots()
        _bars(axes, [(one.name, Estimate(share, share, share)) for one, share in zip(rankings, shares, strict=True)])
        axes.set_xlabel("part of the catalog that someone is shown, %")
        return _svg(figure)


def _bars(axes: Any, rows: Sequence[tuple[str, Estimate]]) -> None:
    estimates = [estimate for _, estimate in rows]
    places = np.arange(len(rows))
    axes.barh(
        places,
        [one.mean for one in estimates],
        xerr=_errors(estimates),
        color=[OURS] + [OTHERS] * (len(rows) - 1),
        ecolor="#555555",
        height=0.7,
    )
    axes.set_yticks(places, [name for name, _ in rows])
    axes.invert_yaxis()


def _errors(estimates: Sequence[Estimate]) -> list[list[float]]:
    return [[one.mean - one.low for one in estimates], [one.high - one.mean for one in estimates]]


def _svg(figure: Figure) -> str:
    written = io.StringIO()
    figure.savefig(written, format="svg", metadata={"Date": None, "Creator": None})
    text = written.getvalue()
    return text[text.index("<svg") :]  # the XML declaration has no place inside a page
