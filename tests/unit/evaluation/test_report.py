import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from cli.evaluation.bootstrap import Estimate
from cli.evaluation.probabilities import judge
from cli.evaluation.report.page import render_report, write_report
from cli.evaluation.report.words import headline
from cli.evaluation.result import Accuracy, Breadth, EvaluationResult, RankingResult, SegmentScore


def accuracy(mean: float) -> Accuracy:
    one = Estimate(mean, mean - 0.01, mean + 0.01)
    return Accuracy(precision=one, recall=one, f1=one, hit_rate=one, ndcg=one, mrr=one, map=one)


def ranking(name: str, mean: float, behind: Estimate) -> RankingResult:
    segments = [
        SegmentScore("history", "heavy users", 40, accuracy(mean)),
        SegmentScore("income", "$35-$49K <&>", 30, accuracy(mean)),
    ]
    return RankingResult(name, f"What {name} does.", accuracy(mean), Breadth(0.1, 0.5, 3.0, 0.9), segments, behind)


def a_result() -> EvaluationResult:
    random = np.random.default_rng(1)
    probabilities = random.random(400) ** 3
    return EvaluationResult(
        begin=datetime(2026, 5, 4, tzinfo=UTC),
        users=70,
        items=500,
        length=10,
        rankings=[
            ranking("served feed", 0.3, Estimate(0.0, 0.0, 0.0)),
            ranking("a <b> & c", 0.2, Estimate(0.1, 0.05, 0.15)),
        ],
        probabilities=judge(probabilities, random.random(400) < probabilities),
        scored_by_model=1.0,
    )


class Reader(HTMLParser):
    """Notes what a page says and what it would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name in {"src", "href", "xlink:href"} and not (value or "").startswith("#"):
                self.fetched.append(f"{tag} {value}")

    def handle_data(self, data: str) -> None:
        self.text += data


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    return reader


@pytest.fixture(scope="module")
def html() -> str:
    """The report of a result; its figures take a second."""
    return render_report(a_result())


def test_is_one_file_that_fetches_nothing(html: str) -> None:
    reader = read(html)
    assert reader.fetched == []
    assert not {"script", "link", "img", "iframe"} & set(reader.tags)
    assert reader.tags.count("svg") == 4


def test_figures_are_well_formed_and_the_same_each_time(html: str) -> None:
    for svg in re.findall(r"<svg.*?</svg>", html, re.DOTALL):
        ET.fromstring(svg)
    assert html == render_report(a_result())


def test_names_of_the_shop_are_text_and_no_mark_up(html: str) -> None:
    assert "<b>" not in html
    text = read(html).text
    assert "a <b> & c" in text
    assert "$35-$49K <&>" in text


@pytest.mark.parametrize(
    ("behind", "words"),
    [
        (Estimate(0.1, 0.05, 0.15), "better than the best other way of choosing them here, a <b> & c, by 50%"),
        (Estimate(-0.1, -0.15, -0.05), "does better"),
        (Estimate(0.0, -0.05, 0.05), "may be chance"),
    ],
)
def test_the_first_sentence_says_what_came_out(behind: Estimate, words: str) -> None:
    result = a_result()
    result.rankings[1] = replace(result.rankings[1], behind_served=behind)
    assert headline(result).startswith("70 customers came back and bought something. Of the 10 items")
    assert words in headline(result)


def test_a_result_without_others_segments_or_probabilities_is_a_report_too() -> None:
    alone = replace(a_result().rankings[0], segments=[])
    result = replace(a_result(), rankings=[alone], probabilities=None)
    assert read(render_report(result)).tags.count("svg") == 2


def test_figures_without_a_value_are_left_out_and_null_in_json() -> None:
    result = replace(a_result(), probabilities=judge(np.array([0.2, 0.4]), np.array([False, False])))
    assert ">nan<" not in render_report(result)
    values = json.loads(json.dumps(result.as_json(), allow_nan=False))
    assert values["probabilities"]["auc"] is None
    assert values["begin"] == "2026-05-04T00:00:00+00:00"
    assert values["rankings"][0]["accuracy"]["ndcg"] == {"mean": 0.3, "low": 0.29, "high": 0.31}


def test_a_report_that_cannot_be_written_leaves_the_one_before(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(OSError, match="file"):
        write_report(tmp_path / "file" / "report.html", a_result())
    path = tmp_path / "new" / "report.html"
    write_report(path, a_result())
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")
