"""A second training goes on from the version that serves; what it does not know begins as its content."""

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from services.common.progress import NoProgress
from services.ranker.inputs.tensors import encode_item_inputs
from services.ranker.model.behavior_model import BehaviorModel
from services.ranker.model.embeddings import Vocabulary
from services.ranker.model.export import export_model
from services.ranker.training.examples.example_builder import ExampleSets
from services.ranker.training.fitting.fit import fit_model, prepare
from services.ranker.training.fitting.warm_start import WarmStart
from services.ranker.training.job import train_on
from services.ranker.training.plan import RunOptions, TrainingPlan
from services.ranker.training.publishing.publisher import Publisher
from services.ranker.training.report import TrainingReport
from tests.support.training_shop import catalog_change, training_catalog, training_shop
from tests.unit.ranker_model.conftest import NOW, Trained, tiny_plan


def version(trained: Trained) -> Path:
    return trained.state / "models" / "behavior" / str(trained.report.version)


def fresh_model(item_nos: np.ndarray, sets: ExampleSets, plan: TrainingPlan | None = None) -> BehaviorModel:
    categories, brands = np.array([1, 2, *range(10, 17)]), np.arange(1, 6)
    counts = np.ones(len(item_nos), np.int64)
    model = BehaviorModel((plan or tiny_plan()).model, Vocabulary(item_nos, counts, categories, brands), 99)
    prepare(model, sets.training)
    return model


def serving(trained: Trained, tmp_path: Path) -> Publisher:
    """A shop whose stable version is the trained one."""
    shutil.copytree(trained.state, tmp_path, dirs_exist_ok=True)
    return Publisher(tmp_path, NOW)


def train_again(publisher: Publisher, plan: TrainingPlan, options: RunOptions | None = None) -> TrainingReport:
    return train_on(training_shop(), plan, publisher, NoProgress(), {}, options=options)


def test_a_warm_model_answers_as_the_one_that_it_goes_on_from(trained: Trained, sets: ExampleSets) -> None:
    catalog = training_catalog()
    model = fresh_model(np.arange(1, 61), sets)
    cold = model.encode_item(encode_item_inputs(catalog.items, np.arange(1, 61))).numpy()
    assert WarmStart(version(trained), catalog.items).begin(model)
    warm = model.encode_item(encode_item_inputs(catalog.items, np.arange(1, 61))).numpy()
    artifact = next((trained.state / "artifacts" / "embeddings").glob("*/vectors.npy"))
    assert np.allclose(warm, np.load(artifact), atol=1e-6)
    assert not np.allclose(cold, warm, atol=1e-2)


def test_new_items_categories_and_brands_begin_as_the_unknown_ones(trained: Trained, sets: ExampleSets) -> None:
    catalog = training_catalog()
    catalog.apply([catalog_change(item_no) for item_no in (61, 62)])
    new = catalog_change(63)
    new.brand_no, new.category_nos[:] = 5, [1, 2, 16]
    catalog.apply([new])
    inputs = encode_item_inputs(catalog.items, np.array([61, 62, 63]))
    known, grown = fresh_model(np.arange(1, 61), sets), fresh_model(np.arange(1, 64), sets)
    for model in (known, grown):
        assert WarmStart(version(trained), catalog.items).begin(model)
    assert grown.tower._item.vectors.shape[0] == known.tower._item.vectors.shape[0] + 3
    assert np.allclose(grown.item_vectors(inputs, "").numpy(), known.item_vectors(inputs, "").numpy(), atol=1e-6)


def test_numbers_that_were_met_in_between_keep_each_its_own_vector(trained: Trained, sets: ExampleSets) -> None:
    whole, part = fresh_model(np.arange(1, 61), sets), fresh_model(np.array([2, 7, 60]), sets)
    items = training_catalog().items
    for model in (whole, part):
        assert WarmStart(version(trained), items).begin(model)
    assert np.array_equal(part.tower._item.vectors.numpy()[2:], whole.tower._item.vectors.numpy()[[3, 8, 61]])


@pytest.mark.slow
def test_the_second_run_is_warm_and_short_and_on_record(trained: Trained, tmp_path: Path) -> None:
    publisher = serving(trained, tmp_path)
    report = train_again(publisher, tiny_plan())
    assert (report.warm_from, report.cold_reason) == (trained.report.version, "")
    assert len(report.epochs) == tiny_plan().warm_epochs < len(trained.report.epochs)
    assert report.published
    assert report.metrics["model"].ndcg > 0.9 * trained.report.metrics["model"].ndcg
    record = json.loads((tmp_path / "training" / f"{report.version}.json").read_text())
    assert record["warm_from"] == trained.report.version


def test_a_first_run_is_cold_and_says_why(trained: Trained) -> None:
    assert (trained.report.warm_from, trained.report.cold_reason) == (None, "no version serves")


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("configuration", "it has other configuration"),
        ("no names", "weights.json"),
        ("nonsense", "Expecting value"),
        ("no values", "can't be read"),
        ("features", "it has other features"),
    ],
)
def test_what_cannot_be_gone_on_from_is_left_alone_with_the_reason(
    trained: Trained, sets: ExampleSets, tmp_path: Path, fault: str, reason: str
) -> None:
    copy, plan = tmp_path / "1", tiny_plan()
    shutil.copytree(version(trained), copy)
    names = copy / "assets.extra" / "weights.json"
    told = json.loads(names.read_text())
    if fault == "configuration":
        plan = dataclasses.replace(plan, model=dataclasses.replace(plan.model, hidden=(8,)))
    elif fault == "no names":
        names.unlink()
    elif fault == "nonsense":
        names.write_text("nonsense")
    elif fault == "no values":
        names.write_text(json.dumps({**told, "variables": [*told["variables"], "one more"]}))
    elif fault == "features":
        told["contract"]["features"] = told["contract"]["features"][1:]
        names.write_text(json.dumps(told))
    model = fresh_model(np.arange(1, 61), sets, plan)
    before = model.get_weights()
    start = WarmStart(copy, training_catalog().items)
    assert not start.begin(model)
    assert reason in start.reason
    assert all(np.array_equal(one, other) for one, other in zip(before, model.get_weights(), strict=True))


@pytest.mark.slow
def test_a_run_may_be_asked_to_begin_from_nothing(trained: Trained, tmp_path: Path) -> None:
    publisher = serving(trained, tmp_path)
    report = train_again(publisher, dataclasses.replace(tiny_plan(), epochs=2), RunOptions(cold=True))
    assert (report.warm_from, report.cold_reason) == (None, "asked for")
    assert len(report.epochs) == 2


def test_another_catalog_is_not_gone_on_with(trained: Trained, sets: ExampleSets) -> None:
    items, model = training_catalog().items, fresh_model(np.arange(1, 61), sets)
    items.id_marks += 1
    start = WarmStart(version(trained), items)
    assert not start.begin(model)
    assert "another catalog" in start.reason


def test_an_action_that_occurs_for_the_first_time_begins_at_its_mean_odds(trained: Trained, sets: ExampleSets) -> None:
    shop = training_shop()
    labels = sets.training.labels.copy()
    labels[:, ::3, 1] = labels[:, ::3, 3]  # some of what is bought becomes a favorite, too
    with_favorites = dataclasses.replace(sets.training, labels=labels)
    model = fresh_model(np.arange(1, 61), ExampleSets(with_favorites, sets.validation))
    mean_odds = float(model.head._logits.bias.numpy()[1])
    assert WarmStart(version(trained), shop.catalog.items).begin(model)
    assert model.head._logits.bias.numpy()[1] == pytest.approx(mean_odds)
    assert model.learned.numpy()[1] == 1.0


@pytest.mark.slow
def test_weights_that_are_not_finite_are_not_gone_on_with(sets: ExampleSets, tmp_path: Path) -> None:
    from services.ranker.known_items import KnownItems

    items = training_catalog().items
    broken = fresh_model(np.arange(1, 61), sets)
    broken.taste.bias.assign(np.full(8, np.nan))
    example = sets.validation.rank_inputs(slice(1))
    export_model(broken, tmp_path, example, KnownItems.of(items))
    start = WarmStart(tmp_path, items)
    fit = fit_model(
        training_shop().table.item_nos,
        sets,
        items,
        dataclasses.replace(tiny_plan(), epochs=1),
        NoProgress(),
        None,
        start,
    )
    assert "taste/bias cannot be taken over" in start.reason
    assert all(np.isfinite(weights).all() for weights in fit.model.get_weights())
