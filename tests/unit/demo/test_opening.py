import io
from pathlib import Path
from typing import Any

import pytest

from cli.rendering.console import shop_console
from cli.shop import Shop
from cli.training import TrainedShop
from demo import opening
from demo.opening import Opening
from demo.shop_files import ShopFiles
from demo.stages import Stages, StageTimes
from services.candidates.jobs.build import Built
from services.ranker.training.report import Check, TrainingReport


class FakeLauncher:
    """Starts nothing."""

    def start(self, names: Any, *, any_free_port: bool) -> list[Any]:
        return []


class FakeTraining:
    """A training whose model passes the gate, or doesn't."""

    def __init__(self, *, passes: bool) -> None:
        self._passes = passes

    async def fit(self) -> TrainedShop:
        report = TrainingReport(version=1, published=self._passes, promoted=self._passes, seconds={"fit": 3.0})
        if not self._passes:
            report.checks = [Check("better than popularity", passed=False, found="0.1", needed="more than 0.2")]
        return TrainedShop(Built(), report)


async def train(folder: Path, monkeypatch: pytest.MonkeyPatch, *, passes: bool) -> tuple[bool, Stages, str]:
    async def loaded(*_: Any) -> None:
        assert passes, "nothing to wait for"

    monkeypatch.setattr(opening, "wait_until_loaded", loaded)
    printed, stages = io.StringIO(), Stages(folder / "stages.json")
    console = shop_console(file=printed, width=200)
    launcher: Any = FakeLauncher()
    files = ShopFiles(folder, "fingerprint", "version day")
    opened = Opening(Shop(folder, {}), launcher, files, stages, StageTimes(console, 0.0), console)
    monkeypatch.setattr(opened, "_training", FakeTraining(passes=passes))
    return await opened.train(), stages, printed.getvalue()


async def test_a_model_that_passes_the_gate_is_not_trained_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_model, stages, printed = await train(tmp_path, monkeypatch, passes=True)
    assert by_model
    assert stages.done("trained", "fingerprint")
    assert "The behavior model serves as version 1." in printed


async def test_a_model_that_fails_the_gate_leaves_the_linear_scorer_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_model, stages, printed = await train(tmp_path, monkeypatch, passes=False)
    assert not by_model
    assert not stages.done("trained", "fingerprint")
    assert "better than popularity: 0.1, needed more than 0.2" in printed
