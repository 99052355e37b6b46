import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from services.common.progress import NoProgress
from services.ranker.training.examples.example_builder import ExampleSets
from services.ranker.training.fitting.checkpointing import FileCheckpointing, FitState, fit_key
from services.ranker.training.fitting.ranking_metrics import RankingMetrics
from tests.support.training_shop import training_shop
from tests.unit.ranker_model.conftest import NOW, tiny_plan


class KilledError(Exception):
    """Stands for a SIGKILL: what was not on the disk is gone."""


class KilledCheckpointing(FileCheckpointing):
    """Keeps checkpoints, and is killed after epoch `last`."""

    def __init__(self, path: Path, last: int) -> None:
        super().__init__(path, "this")
        self._last = last
        self.resumed_at = 0

    def resume(self, variables: Sequence[Any]) -> FitState | None:
        state = super().resume(variables)
        self.resumed_at = len(state.epochs) if state else 0
        return state

    def keep(self, variables: Sequence[Any], state: FitState) -> None:
        super().keep(variables, state)
        if len(state.epochs) == self._last:
            raise KilledError


@pytest.mark.slow
def test_a_fit_that_was_killed_ends_as_one_that_was_not(sets: ExampleSets, tmp_path: Path) -> None:
    from services.ranker.training.fitting.fit import fit_model

    shop, plan = training_shop(), tiny_plan()
    past, items = shop.table.item_nos, shop.catalog.items
    whole = fit_model(past, sets, items, plan, NoProgress())
    path = tmp_path / "checkpoint.npz"
    with pytest.raises(KilledError):
        fit_model(past, sets, items, plan, NoProgress(), KilledCheckpointing(path, last=1))
    checkpointing = KilledCheckpointing(path, last=99)
    resumed = fit_model(past, sets, items, plan, NoProgress(), checkpointing)
    assert checkpointing.resumed_at == 1
    assert [metrics.ndcg for metrics in resumed.epochs] == pytest.approx([metrics.ndcg for metrics in whole.epochs])
    assert np.allclose(resumed.judged, whole.judged, atol=1e-5)
    for ours, theirs in zip(resumed.model.get_weights(), whole.model.get_weights(), strict=True):
        assert np.allclose(ours, theirs, atol=1e-4)


def test_a_fit_is_known_by_its_plan_code_start_and_examples(sets: ExampleSets) -> None:
    plan, other = tiny_plan(), dataclasses.replace(tiny_plan(), seed=8)
    key = fit_key(plan, "abc", "1", sets)
    assert key == fit_key(tiny_plan(), "abc", "1", sets)
    swapped = ExampleSets(training=sets.validation, validation=sets.training)
    others = {
        fit_key(other, "abc", "1", sets),
        fit_key(plan, "abd", "1", sets),
        fit_key(plan, "abc", "2", sets),
        fit_key(plan, "abc", "1", swapped),
    }
    assert len(others | {key}) == 5


class Variable:
    """What a checkpoint needs of one."""

    def __init__(self, value: Any) -> None:
        self.value = np.asarray(value)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape

    def numpy(self) -> Any:
        return self.value

    def assign(self, value: Any) -> None:
        self.value = value


def state() -> FitState:
    return FitState([RankingMetrics(0.1, 0.2)], [0.5], 0, [np.ones(2)], np.zeros((1, 2, 4), np.float32))


def test_what_is_restored_is_what_was_saved(tmp_path: Path) -> None:
    checkpoint = FileCheckpointing(tmp_path / "c.npz", "key")
    checkpoint.keep([Variable([1.0, 2.0]), Variable(np.uint32(7))], state())
    variables = [Variable([0.0, 0.0]), Variable(np.uint32(0))]
    restored = checkpoint.resume(variables)
    assert restored is not None
    assert (restored.epochs, restored.losses, restored.best) == (state().epochs, [0.5], 0)
    assert variables[0].value.tolist() == [1.0, 2.0]
    assert variables[1].value.dtype == np.uint32
    assert [path.name for path in tmp_path.iterdir()] == ["c.npz"]


@pytest.mark.parametrize("fault", ["missing", "other key", "other shape", "cut short", "no zip"])
def test_a_checkpoint_that_does_not_fit_begins_anew(tmp_path: Path, fault: str) -> None:
    path = tmp_path / "c.npz"
    if fault != "missing":
        FileCheckpointing(path, "other" if fault == "other key" else "key").keep([Variable([1.0, 2.0])], state())
    if fault == "cut short":
        path.write_bytes(path.read_bytes()[:-200])
    if fault == "no zip":
        path.write_bytes(b"PK nonsense")
    variable = Variable([0.0] * (3 if fault == "other shape" else 2))
    assert FileCheckpointing(path, "key").resume([variable]) is None
    assert not variable.value.any()


@pytest.mark.slow
def test_a_run_that_is_killed_while_it_exports_does_not_train_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from services.ranker.model import export
    from services.ranker.training.fitting import trainer
    from services.ranker.training.job import train_on
    from services.ranker.training.publishing.publisher import Publisher

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    publisher = Publisher(tmp_path, NOW)
    with monkeypatch.context() as patch:
        patch.setattr(export, "export_model", full)
        with pytest.raises(OSError, match="No space left"):
            train_on(training_shop(), tiny_plan(), publisher, NoProgress(), {})
    assert publisher.checkpoint.is_file()
    assert list((tmp_path / "models" / "behavior").iterdir()) == []

    def no_step(*_: object) -> None:
        raise AssertionError("it trains again")

    monkeypatch.setattr(trainer.Trainer, "step", no_step)
    assert train_on(training_shop(), tiny_plan(), publisher, NoProgress(), {}).published
    assert not publisher.checkpoint.exists()
