"""What the titles of items teach a model that knows nothing else of them."""

from dataclasses import replace

import numpy as np
import pytest

from services.common.progress import NoProgress
from services.ranker.inputs.tensors import encode_item_inputs
from services.ranker.model.export import encode_items
from services.ranker.training.examples.example_builder import ExampleBuilder
from services.ranker.training.fitting.fit import fit_model
from services.ranker.training.shop.catalog import TrainingCatalog
from services.ranker.training.shop.replay import Replay
from tests.support.training_shop import CATEGORIES, ITEMS, catalog_change, event_table, habits
from tests.unit.ranker_model.conftest import tiny_plan
from vitrine.features.v1.catalog_service_pb2 import CatalogChange

pytestmark = pytest.mark.slow  # one training for all of them

KINDS = ("sencha", "shampoo", "skillet", "sandal", "sticker", "煎餅")
NEW = 500
"""Numbers from here on are of items that training never saw."""


def titled(item_no: int, title: str) -> CatalogChange:
    change = catalog_change(item_no, price=None, title=title)
    change.brand_no = 0
    del change.category_nos[:]
    return change


@pytest.fixture(scope="module")
def similarities() -> np.ndarray:
    """Cosines between new items, one of each kind and then one without a title, and those that training met."""
    catalog = TrainingCatalog()
    catalog.apply([titled(item, f"{KINDS[item % CATEGORIES]} no {item}") for item in range(1, ITEMS + 1)])
    table = event_table(habits(), catalog)
    plan = tiny_plan()
    # No item has a vector of its own: what is learned of one is learned of its title.
    plan = replace(plan, model=replace(plan.model, minimum_item_events=10_000), retrieval_weight=1.0)
    plan = replace(plan, learning_rate=2e-2, epochs=8, patience=8)
    replay = Replay(table, catalog, {})
    shown = np.arange(1, ITEMS + 1)
    builder = ExampleBuilder(table, replay, shown, plan, set(range(len(table.visitors))))
    sets = builder.build(*builder.moments(), NoProgress())
    model = fit_model(table.item_nos, sets, catalog.items, plan, NoProgress()).model
    catalog.apply([titled(NEW + kind, f"{name.upper()} deluxe") for kind, name in enumerate(KINDS)])
    catalog.apply([titled(NEW + len(KINDS), "")])
    numbers = np.concatenate([np.arange(NEW, NEW + len(KINDS) + 1), np.arange(1, ITEMS + 1)])
    vectors = encode_items(model, encode_item_inputs(catalog.items, numbers))[:, :-1]
    assert np.isfinite(vectors).all()
    vectors -= vectors[len(KINDS) + 1 :].mean(axis=0)  # what all items have in common tells none from another
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines: np.ndarray = vectors[: len(KINDS) + 1] @ vectors[len(KINDS) + 1 :].T
    return cosines


def by_kind(similarities: np.ndarray) -> np.ndarray:
    """Returns the mean cosine to the items of each kind, (new items, kinds)."""
    kinds = np.arange(1, ITEMS + 1) % CATEGORIES
    return np.stack([similarities[:, kinds == kind].mean(axis=1) for kind in range(CATEGORIES)], axis=1)


@pytest.mark.parametrize("kind", range(CATEGORIES))
def test_a_new_item_is_placed_beside_items_of_like_title(similarities: np.ndarray, kind: int) -> None:
    means = by_kind(similarities)[kind]
    assert means[kind] > 0.2 + np.delete(means, kind).mean()


def test_an_item_without_a_title_is_nearer_to_no_kind_than_one_with_it(similarities: np.ndarray) -> None:
    means = by_kind(similarities)
    assert means[-1].max() < means[:-1].max(axis=1).min()
