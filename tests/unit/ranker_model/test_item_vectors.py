"""A model that looks at the shop's own vectors: trained on a shop where many items have none that fits."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import tensorflow as tf

from services.common.progress import NoProgress
from services.ranker.inputs.tensors import encode_item_inputs
from services.ranker.training.job import train_on
from services.ranker.training.publishing.publisher import Publisher
from services.ranker.training.shop.catalog import TrainingCatalog
from services.ranker.training.shop.shop_reader import ShopData
from tests.support.training_shop import CATEGORIES, ITEMS, catalog_change, event_table, habits
from tests.unit.ranker_model.conftest import NOW, tiny_plan
from vitrine.features.v1.item_pb2 import Vector

SIZES = {"image": 2, "text": CATEGORIES}
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
