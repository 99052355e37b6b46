import subprocess
from pathlib import Path

import pytest

from scripts.checks.tree import project_files, report


def test_tracked_and_new_files_count_ignored_and_deleted_ones_do_not(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    for name in ("new ü.md", "tracked.py", "deleted.py", "ignored.log"):
        (tmp_path / name).write_text("x")
    (tmp_path / ".gitignore").write_text("*.log\n")
    subprocess.run(["git", "add", "tracked.py", "deleted.py"], cwd=tmp_path, check=True)
    (tmp_path / "deleted.py").unlink()

    assert project_files(tmp_path) == [Path(".gitignore"), Path("new ü.md"), Path("tracked.py")]


def test_findings_fail_the_check_and_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert report("links", ["a.md:1: x", "b.md:2: y"], "fine") == 1
    assert capsys.readouterr().err.splitlines() == ["a.md:1: x", "b.md:2: y", "links: 2 found"]


def test_without_findings_one_line_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert report("links", [], "fine") == 0
    assert capsys.readouterr().out == "links: fine\n"
