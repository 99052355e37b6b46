import pytest

from scripts.checks.report import report


def test_findings_fail_the_check_and_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert report("links", ["a.md:1: x", "b.md:2: y"], "fine") == 1
    assert capsys.readouterr().err.splitlines() == ["a.md:1: x", "b.md:2: y", "links: 2 found"]


def test_without_findings_one_line_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert report("links", [], "fine") == 0
    assert capsys.readouterr().out == "links: fine\n"
