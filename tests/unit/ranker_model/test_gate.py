from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from services.ranker.known_items import KnownItems
from services.ranker.training.examples.example_builder import ExampleSets
from services.ranker.training.fitting.ranking_metrics import RankingMetrics

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from services.ranker.model.behavior_model import BehaviorModel

GOOD, POOR = RankingMetrics(0.3, 0.3), RankingMetrics(0.1, 0.1)


def exported(model: "BehaviorModel", sets: ExampleSets, folder: Path) -> Path:
    from services.ranker.model.export import export_model

    example = sets.validation.rank_inputs(slice(1))
    export_model(model, folder, example, KnownItems(np.array([3]), np.array([33])))
    return folder


def failed(
    model: "BehaviorModel", sets: ExampleSets, folder: Path, metrics: RankingMetrics = GOOD, budget: float = 60.0
) -> list[str]:
    from services.ranker.training.publishing.gate import check_model

    checks = check_model(folder, model, sets.validation, metrics, POOR, budget_seconds=budget)
    return [check.name for check in checks if not check.passed]


def test_a_model_as_it_is_exported_passes(model: "BehaviorModel", sets: ExampleSets, tmp_path: Path) -> None:
    folder = exported(model, sets, tmp_path)
    assert failed(model, sets, folder) == []
    assert failed(model, sets, folder, POOR) == ["better than popularity"]


def test_a_model_that_only_another_loader_can_compute_is_refused(
    model: "BehaviorModel", sets: ExampleSets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tensorflow as tf

    save = tf.saved_model.save

    def save_with_keras_variables(_: Any, *arguments: Any, **options: Any) -> Any:
        other = tf.Module()
        other.model = model
        return save(other, *arguments, **options)

    monkeypatch.setattr(tf.saved_model, "save", save_with_keras_variables)
    folder = exported(model, sets, tmp_path)
    assert tf.saved_model.load(str(folder)).signatures["rank"]
    assert failed(model, sets, folder) == ["can be served"]


def test_a_model_that_is_slower_than_its_budget_is_refused(
    model: "BehaviorModel", sets: ExampleSets, tmp_path: Path
) -> None:
    assert failed(model, sets, exported(model, sets, tmp_path), budget=1e-6) == ["inside the latency budget"]


def test_a_broken_file_is_refused(model: "BehaviorModel", sets: ExampleSets, tmp_path: Path) -> None:
    folder = exported(model, sets, tmp_path)
    (folder / "saved_model.pb").write_bytes(b"nonsense")
    assert failed(model, sets, folder) == ["can be served"]
