"""A model that looks at the shop's own vectors: trained on a shop where many items have none that fits."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from services.common.clock import FixedClock
from services.common.progress import NoProgress
from services.ranker.inputs.tensors import encode_item_inputs
from services.ranker.texts.open_texts import open_texts
from services.ranker.training.job import train_on
from services.ranker.training.publishing.publisher import Publisher
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


def test_vectors_are_learned_served_and_missed_without_harm(tmp_path: Path) -> None:
    known = catalog()
    table = event_table(habits(), known)
    shop = ShopData(known, table, {}, set(range(len(table.visitors))))
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
    table = event_table(habits(), known)
    shop = ShopData(known, table, {}, set(range(len(table.visitors))))
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
