import io
import json
from pathlib import Path

import pytest

from cli.figures import Figures
from cli.rendering.console import shop_console
from demo.stages import REFERENCE_ECHO, Stages, StageTimes, fingerprint_of


def test_a_stage_is_done_for_what_it_was_made_from_only(tmp_path: Path) -> None:
    stages = Stages(tmp_path / "stages.json")
    assert not stages.done("imported", "a")
    stages.mark("imported", "a")
    stages.mark("trained", "b")
    again = Stages(tmp_path / "stages.json")
    assert again.done("imported", "a")
    assert not again.done("imported", "b")
    assert again.done("trained", "b")


def test_a_broken_file_means_nothing_was_done(tmp_path: Path) -> None:
    file = tmp_path / "stages.json"
    file.write_text("[", encoding="utf-8")
    assert not Stages(file).done("imported", "a")


def test_fingerprints_tell_where_one_part_ends(tmp_path: Path) -> None:
    assert fingerprint_of("ab", "c") != fingerprint_of("a", "bc")
    file = tmp_path / "f"
    file.write_bytes(b"1")
    before = fingerprint_of("x", files=[file])
    file.write_bytes(b"2")
    assert fingerprint_of("x", files=[file]) != before


def test_each_stage_says_when_it_begins_and_ends_and_has_two_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    printed = io.StringIO()
    times = StageTimes(shop_console(file=printed), setup_seconds=8.0)
    with times.stage("import"):
        pass
    times.add({"import": 1.0, "fit": 30.0})
    begun, ended = printed.getvalue().splitlines()
    assert begun == "--- import begins"
    assert ended.startswith("--- import ends after ")
    times.print(Figures("demo"), echo=REFERENCE_ECHO / 2)
    figures = json.loads((tmp_path / "build/figures/demo.json").read_text(encoding="utf-8"))["figures"]
    values = {name.removeprefix("demo.stage."): figure["value"] for name, figure in figures.items()}
    assert (values["setup"], values["setup_echo"], values["fit_echo"]) == (8.0, 4.0, 15.0)
    assert values["import"] >= 1.0
