import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray

from services.common.progress import NoProgress
from services.ranker.known_items import KnownItems
from services.ranker.training.examples.example_builder import ExampleSets
from services.ranker.training.job import train_on
from services.ranker.training.publishing.gate import check_against_serving
from services.ranker.training.publishing.publisher import Publisher
from tests.unit.ranker_model.conftest import NOW, Trained, tiny_plan

if TYPE_CHECKING:
    from services.ranker.model.behavior_model import BehaviorModel


@pytest.fixture
def serving(model: "BehaviorModel", sets: ExampleSets, tmp_path: Path) -> Path:
    """The version of a model that was not trained."""
    from services.ranker.model.export import export_model

    folder = tmp_path / "7"
    example = sets.validation.rank_inputs(slice(1))
    export_model(model, folder, example, KnownItems(np.array([3]), np.array([33])))
    return folder


def perfect(sets: ExampleSets) -> NDArray[np.float32]:
    """The values of a model that knows what came next."""
    values: NDArray[np.float32] = sets.validation.labels.max(axis=2)
    return values


@pytest.mark.slow
def test_who_knows_more_passes_and_who_knows_less_does_not(serving: Path, sets: ExampleSets) -> None:
    assert check_against_serving(serving, sets.validation, perfect(sets)).passed
    worse = check_against_serving(serving, sets.validation, -perfect(sets))
    assert not worse.passed
    assert worse.found == "NDCG@10 0.0000"
    assert "version 7's" in worse.needed


@pytest.mark.slow
def test_the_same_model_passes(serving: Path, model: "BehaviorModel", sets: ExampleSets) -> None:
    from services.ranker.training.fitting.fit import probabilities, values_of

    assert check_against_serving(serving, sets.validation, values_of(probabilities(model, sets.validation))).passed


@pytest.mark.slow
def test_what_is_not_finite_does_not_pass(serving: Path, sets: ExampleSets) -> None:
    assert not check_against_serving(serving, sets.validation, perfect(sets) * np.nan).passed


def test_the_first_version_has_none_to_beat(sets: ExampleSets) -> None:
    assert check_against_serving(None, sets.validation, perfect(sets)).passed


def test_a_serving_version_that_is_broken_holds_nothing_up(serving: Path, sets: ExampleSets) -> None:
    (serving / "saved_model.pb").write_bytes(b"nonsense")
    check = check_against_serving(serving, sets.validation, perfect(sets))
    assert check.passed
    assert "version 7 cannot be compared" in check.found


@pytest.mark.slow
def test_a_serving_version_of_other_histories_holds_nothing_up(serving: Path, sets: ExampleSets) -> None:
    validation = sets.validation
    shorter = {name: array[:, 4:] if "history" in name else array for name, array in validation.inputs.items()}
    other = dataclasses.replace(validation, inputs=shorter)
    assert "cannot be compared" in check_against_serving(serving, other, perfect(sets)).found


@pytest.mark.slow
def test_a_run_that_comes_out_worse_leaves_the_former_version_serving(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from services.ranker.training.fitting import fit

    publisher = Publisher(tmp_path, NOW)
    good = train_on(trained.shop, tiny_plan(), publisher, NoProgress(), {})
    assert good.published
    publisher.registry.promote(good.version)
    former = publisher.registry.numbers()
    real = fit.fit_model

    def untaught(*arguments: object) -> fit.Fit:
        fitted = real(*arguments)  # type: ignore[arg-type]
        *before, kernel, bias = fitted.model.head.get_weights()
        fitted.model.head.set_weights([*before, -kernel, bias])  # the best comes last
        return fitted

    monkeypatch.setattr(fit, "fit_model", untaught)
    report = train_on(trained.shop, tiny_plan(), publisher, NoProgress(), {})
    assert not report.published
    assert "as good as the version that serves" in {check.name for check in report.failed_checks}
    assert publisher.registry.numbers() == former
