"""One tiny training run; what it published is looked at from many sides."""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from services.common.artifacts import ArtifactStore
from services.common.progress import NoProgress
from services.ranker.inputs.candidate_features import FEATURE_NAMES
from services.ranker.inputs.item_text import TOKEN_SLOTS
from services.ranker.inputs.tensors import encode_item_inputs
from services.ranker.model.behavior_model import ACTIONS
from services.ranker.training.examples.example_builder import ExampleSets
from services.ranker.training.fitting import fit
from services.ranker.training.item_vectors import ItemVectors
from services.ranker.training.job import train_on
from services.ranker.training.plan import RunOptions
from services.ranker.training.publishing.publisher import Publisher
from tests.support.training_shop import ITEMS, training_shop
from tests.unit.ranker_model.conftest import NOW, Trained, tiny_plan

pytestmark = pytest.mark.slow


def version_folder(trained: Trained) -> Path:
    return trained.state / "models" / "behavior" / str(trained.report.version)


def signatures(trained: Trained) -> dict[str, object]:
    loaded = tf.saved_model.load(str(version_folder(trained)))
    return {"loaded": loaded, **loaded.signatures}


def test_a_model_that_learned_is_published(trained: Trained) -> None:
    report = trained.report
    assert report.failed_checks == []
    assert report.published
    assert report.metrics["model"].ndcg > 2 * report.metrics["popularity"].ndcg
    assert version_folder(trained).is_dir()


def test_the_run_is_on_record(trained: Trained) -> None:
    record = json.loads((trained.state / "training" / f"{trained.report.version}.json").read_text())
    assert record["events"] == len(trained.shop.table)
    assert record["parameters"]["seed"] == tiny_plan().seed
    assert record["metrics"]["model"]["ndcg"] == trained.report.metrics["model"].ndcg
    assert record["published"] is True
    assert len(record["losses"]) == len(record["epochs"]) >= 1
    assert all(0 < loss < 100 for loss in record["losses"])
    assert {"linear", "examples", "fit", "publish"} <= record["seconds"].keys()
    assert record["first_event_millis"] < record["last_event_millis"]


def test_every_item_of_the_catalog_has_a_vector_of_this_version(trained: Trained) -> None:
    artifact = ArtifactStore(trained.state / "artifacts").current("embeddings")
    assert artifact is not None
    assert artifact.metadata["model_version"] == str(trained.report.version)
    item_nos, vectors = np.load(artifact.path / "item_nos.npy"), np.load(artifact.path / "vectors.npy")
    items = trained.shop.catalog.items
    assert np.array_equal(np.load(artifact.path / "content_marks.npy"), items.content_marks[item_nos])
    assert np.array_equal(np.load(artifact.path / "digests.npy"), items.id_marks[item_nos])
    assert item_nos.dtype == np.uint32
    assert np.array_equal(item_nos, trained.shop.catalog.items.known_item_nos())
    encode_item = signatures(trained)["encode_item"]
    inputs = encode_item_inputs(trained.shop.catalog.items, item_nos)
    served = encode_item(**{name: tf.constant(array) for name, array in inputs.items()})["item_vector"]  # type: ignore[operator]
    assert np.allclose(served.numpy(), vectors, atol=1e-6)


def test_the_signatures_are_those_that_were_agreed(trained: Trained) -> None:
    length = tiny_plan().model.history_length
    served = signatures(trained)
    rank = served["rank"]
    shapes = {name: spec.shape.as_list() for name, spec in rank.structured_input_signature[1].items()}  # type: ignore[attr-defined]
    assert shapes["history_category_nos"] == [None, length, 3]
    assert shapes["history_token_nos"] == [None, length, TOKEN_SLOTS]
    assert shapes["candidate_token_nos"] == [None, None, TOKEN_SLOTS]
    assert shapes["candidate_features"] == [None, None, len(FEATURE_NAMES)]
    assert shapes["user_attributes"] == [None, 16]
    assert set(rank.structured_outputs) == set(ACTIONS)  # type: ignore[attr-defined]
    encode_user = served["encode_user"]
    user_inputs = {name for name in shapes if not name.startswith("candidate_")}
    assert set(encode_user.structured_input_signature[1]) == user_inputs  # type: ignore[attr-defined]
    assert encode_user.structured_outputs["user_vector"].shape[-1] == tiny_plan().model.vector_width  # type: ignore[attr-defined]
    assert served.keys() == {"loaded", "rank", "serving_default", "encode_user", "encode_item", "known_items"}


def test_an_item_that_nobody_ever_met_is_not_what_everybody_wants(trained: Trained, sets: ExampleSets) -> None:
    served = signatures(trained)
    user_inputs = {
        name: array
        for name, array in sets.validation.rank_inputs(slice(None)).items()
        if not name.startswith("candidate_")
    }
    users = served["encode_user"](**{name: tf.constant(array) for name, array in user_inputs.items()})  # type: ignore[operator]
    content = encode_item_inputs(trained.shop.catalog.items, np.arange(1, ITEMS + 1))
    content["item_nos"] = content["item_nos"].copy()
    content["item_nos"][ITEMS // 2 :] += 900
    vectors = served["encode_item"](**{name: tf.constant(array) for name, array in content.items()})  # type: ignore[operator]
    scores = (users["user_vector"].numpy() @ vectors["item_vector"].numpy().T).mean(axis=0)
    assert scores[: ITEMS // 2].mean() > scores[ITEMS // 2 :].mean()


def test_an_action_without_examples_keeps_its_prior(trained: Trained, sets: ExampleSets) -> None:
    inputs = {name: tf.constant(array) for name, array in sets.validation.rank_inputs(slice(4)).items()}
    outputs = signatures(trained)["rank"](**inputs)  # type: ignore[operator]
    favorite = outputs["favorite"].numpy()
    assert len(np.unique(favorite)) == 1
    assert 0 < favorite.max() < 0.01
    assert len(np.unique(outputs["purchase"].numpy())) > 1


def test_the_warm_up_file_has_every_size_that_requests_come_in(trained: Trained) -> None:
    from services.ranker.inputs.tensors import PADDED_SIZES
    from services.ranker.tf_protos import prediction_log_pb2

    path = version_folder(trained) / "assets.extra" / "tf_serving_warmup_requests"
    sizes, names = set(), set()
    for record in tf.data.TFRecordDataset(str(path)):
        request = prediction_log_pb2.PredictionLog.FromString(record.numpy()).predict_log.request
        names.add(request.model_spec.signature_name)
        if "candidate_item_nos" in request.inputs:
            sizes.add(request.inputs["candidate_item_nos"].tensor_shape.dim[1].size)
    assert sizes == set(PADDED_SIZES)
    assert names == {"rank", "encode_user", "encode_item", "known_items"}


def test_the_same_log_gives_the_same_model(trained: Trained, tmp_path: Path) -> None:
    again = train_on(training_shop(), tiny_plan(), Publisher(tmp_path, NOW), NoProgress(), {})
    assert again.metrics == trained.report.metrics
    assert again.epochs == trained.report.epochs


def test_a_run_whose_time_is_up_ends_in_its_first_epoch_and_goes_to_the_gate(tmp_path: Path) -> None:
    options = RunOptions(budget_seconds=0.0)
    report = train_on(training_shop(), tiny_plan(), Publisher(tmp_path, NOW), NoProgress(), {}, options=options)
    assert len(report.losses) == len(report.epochs) == 1
    assert report.linear_published
    assert "better than popularity" in {check.name for check in report.checks}


def test_a_model_that_is_not_finite_is_not_published(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher = Publisher(tmp_path, NOW)
    former = publisher.next_version()
    draft = publisher.draft(lambda folder: (folder / "saved_model.pb").touch())
    one = np.array([1], np.uint32)
    vectors = ItemVectors(one, np.ones((1, 2), np.float32), one, one)
    publisher.publish(draft, former, vectors)
    publisher.registry.promote(former)
    real = fit.fit_model

    def broken(*arguments: object) -> fit.Fit:
        fitted = real(*arguments)  # type: ignore[arg-type]
        fitted.model.feature_means.assign(np.full(len(FEATURE_NAMES), np.nan))
        return fitted

    monkeypatch.setattr(fit, "fit_model", broken)
    report = train_on(trained.shop, tiny_plan(), publisher, NoProgress(), {})
    assert not report.published
    assert "finite for visitors" in {check.name for check in report.failed_checks}
    assert any("probabilities are none, needed 0" in str(check) for check in report.failed_checks)
    assert publisher.registry.numbers() == [former]
    assert publisher.registry.labels() == {"stable": former}
    assert len(ArtifactStore(tmp_path / "artifacts").versions("embeddings")) == 1
    assert (tmp_path / "training" / f"{report.version}.json").is_file()
