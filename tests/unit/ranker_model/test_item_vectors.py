"""A model that looks at the shop's own vectors: trained on a shop where many items have none that fits."""

import math
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from services.common.clock import FixedClock
from services.common.progress import NoProgress
from services.ranker.inputs.tensors import encode_item_inputs
from services.ranker.texts.text_vectors import open_texts
from services.ranker.training.job import train_on
from services.ranker.training.plan import TrainingPlan
from services.ranker.training.publishing.publisher import Publisher
from services.ranker.training.report import TrainingReport
from services.ranker.training.shop.catalog import TrainingCatalog
from services.ranker.training.shop.shop_reader import ShopData
from tests.support.training_shop import CATEGORIES, ITEMS, catalog_change, event_table, habits
from tests.unit.ranker_model.conftest import NOW, tiny_plan
from vitrine.features.v1.item_pb2 import Vector

SIZES = {"image": 2, "text": CATEGORIES}
KINDS = ("milk", "bread", "screws", "carpet", "novel", "shampoo")
NEW, NEW_OF_OTHER_KIND, WITHOUT, MISSHAPEN = 501, 502, 503, 504


def vectors_of(kind: int) -> dict[str, Vector]:
    return {"text": Vector(values=np.eye(CATEGORIES)[kind].tolist()), "image": Vector(values=[1.0, float(kind)])}


def catalog() -> TrainingCatalog:
    odd: tuple[dict[str, Vector], ...] = (
        {},
        {"text": Vector(values=[math.nan] * CATEGORIES)},
        {"image": Vector(values=[1.0] * 9)},
    )
    items = TrainingCatalog(SIZES)
    for item_no in range(1, ITEMS + 1):
        vectors = vectors_of(item_no % CATEGORIES) if item_no % 4 else odd[item_no // 4 % 3]
        items.apply([catalog_change(item_no, price=1.0 + item_no % 7, vectors=vectors)])
    return items


def shop_of(known: TrainingCatalog) -> ShopData:
    table = event_table(habits(), known)
    return ShopData(known, table, {}, set(range(len(table.visitors))))


@pytest.mark.slow
def test_vectors_are_learned_served_and_missed_without_harm(tmp_path: Path) -> None:
    known = catalog()
    shop = shop_of(known)
    plan = tiny_plan()
    plan = replace(plan, model=replace(plan.model, vectors=tuple(SIZES.items())))
    report = train_on(shop, plan, Publisher(tmp_path, NOW), NoProgress(), {})
    assert report.published, report.failed_checks

    served = tf.saved_model.load(str(tmp_path / "models" / "behavior" / str(report.version))).signatures
    inputs = served["rank"].structured_input_signature[1]
    assert inputs["candidate_vectors"].shape.as_list() == [None, None, 2 + CATEGORIES]
    assert inputs["candidate_vectors"].dtype == tf.float16

    for item_no, vectors in (
        (NEW, vectors_of(1)),
        (NEW_OF_OTHER_KIND, vectors_of(2)),
        (WITHOUT, {}),
        (MISSHAPEN, {"text": Vector(values=[1.0]), "image": Vector(values=[0.0, 0.0])}),
    ):
        change = catalog_change(item_no, price=None, vectors=vectors)
        change.brand_no = 0
        del change.category_nos[:]
        known.apply([change])
    numbers = np.array([NEW, NEW_OF_OTHER_KIND, WITHOUT, MISSHAPEN])
    tensors = {name: tf.constant(array) for name, array in encode_item_inputs(known.items, numbers).items()}
    new, other, without, misshapen = served["encode_item"](**tensors)["item_vector"].numpy()
    assert np.isfinite([new, other, without, misshapen]).all()
    assert np.array_equal(without, misshapen)
    assert not np.allclose(new, other, atol=1e-3)
    assert not np.allclose(new, without, atol=1e-3)


@pytest.mark.slow
def test_texts_are_learned_by_their_meaning(tmp_path: Path) -> None:
    plan = tiny_plan()
    # No tokens: what two titles have in common is what MiniLM knows of them.
    plan = replace(plan, model=replace(plan.model, text_encoder="minilm", token_rows=0, vectors=(("image", 2),)))
    known = TrainingCatalog(plan.model.item_vectors)
    known.apply(
        [
            catalog_change(item_no, title=f"{KINDS[item_no % CATEGORIES]} {item_no}", vectors=vectors_of(1))
            for item_no in range(1, ITEMS + 1)
        ]
    )
    texts = open_texts(tmp_path, known.items, FixedClock(NOW))
    assert texts is not None
    texts.encode_all(NoProgress())
    shop = shop_of(known)
    report = train_on(shop, plan, Publisher(tmp_path, NOW), NoProgress(), {})
    assert report.published, report.failed_checks
    served = tf.saved_model.load(str(tmp_path / "models" / "behavior" / str(report.version))).signatures
    assert served["encode_item"].structured_input_signature[1]["vectors"].shape.as_list() == [None, 2 + 384]

    for item_no, title in ((NEW, "whole milk"), (NEW_OF_OTHER_KIND, "a carpet"), (WITHOUT, "")):
        change = catalog_change(item_no, price=None, title=title)
        change.brand_no = 0
        del change.category_nos[:]
        known.apply([change])
    numbers = np.array([NEW, NEW_OF_OTHER_KIND, WITHOUT])

    def encoded() -> list[NDArray[np.float32]]:
        tensors = {name: tf.constant(array) for name, array in encode_item_inputs(known.items, numbers).items()}
        return list(served["encode_item"](**tensors)["item_vector"].numpy())

    waiting = encoded()
    assert np.array_equal(waiting[0], waiting[2])
    assert np.array_equal(waiting[1], waiting[2])
    texts.encode_all(NoProgress())
    milk, carpet, without = encoded()
    assert not np.allclose(milk, carpet, atol=1e-3)
    assert not np.allclose(milk, without, atol=1e-3)


@pytest.mark.slow
@pytest.mark.timeout(600)  # three trainings, on a busy machine
def test_vectors_of_another_length_than_yesterday_count_as_missing_until_the_model_is_told(tmp_path: Path) -> None:
    longer, plan = CATEGORIES + 3, tiny_plan()
    plan = replace(plan, model=replace(plan.model, vectors=(("text", CATEGORIES),)))

    def catalog_of(length: int, wanted: dict[str, int]) -> TrainingCatalog:
        items = TrainingCatalog(wanted)
        for item_no in range(1, ITEMS + 1):
            values = np.eye(length)[item_no % CATEGORIES].tolist()
            items.apply([catalog_change(item_no, vectors={"text": Vector(values=values)})])
        return items

    def train(day: int, known: TrainingCatalog, told: TrainingPlan) -> tuple[TrainingReport, Publisher]:
        publisher = Publisher(tmp_path, NOW + timedelta(days=day))
        report = train_on(shop_of(known), told, publisher, NoProgress(), {})
        if report.published:
            publisher.registry.promote(report.version)
        return report, publisher

    first, _ = train(0, catalog_of(CATEGORIES, plan.model.item_vectors), plan)
    assert first.published, first.failed_checks

    # The shop has another encoder over night. The model goes on from yesterday's weights, with all vectors missing.
    other = catalog_of(longer, plan.model.item_vectors)
    assert not other.items.vectors.any()
    assert other.items.named_vectors.misfits == {"text": ITEMS}
    second, publisher = train(1, other, plan)
    assert (second.warm_from, second.cold_reason) == (first.version, "")
    assert publisher.registry.labels()["stable"] == (second.version if second.published else first.version)

    # The plan is told of the new length: weights of the old one mean nothing for it, and it begins anew.
    told = replace(plan, model=replace(plan.model, vectors=(("text", longer),)))
    serving = publisher.registry.labels()["stable"]
    third, _ = train(2, catalog_of(longer, told.model.item_vectors), told)
    assert third.warm_from is None
    assert third.cold_reason == f"version {serving}: it has other configuration"
    assert third.published, third.failed_checks
    assert all(np.isfinite(third.losses))
