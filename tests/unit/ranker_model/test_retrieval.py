import numpy as np
import pytest

from services.ranker.model.behavior_model import BehaviorModel
from services.ranker.model.embeddings import Vocabulary
from services.ranker.training.examples.example_builder import ExampleSets
from services.ranker.training.fitting import retrieval
from services.ranker.training.fitting.factorization import Factorization, set_factors
from services.ranker.training.fitting.retrieval import choose_factor_weight
from services.ranker.training.item_vectors import ItemVectors
from services.ranker.training.shop.shop_reader import ShopData
from tests.support.training_shop import training_shop
from tests.unit.ranker_model.conftest import Trained, tiny_plan


@pytest.fixture(scope="module")
def shop() -> ShopData:
    return training_shop()


@pytest.fixture
def untrained(shop: ShopData, monkeypatch: pytest.MonkeyPatch) -> BehaviorModel:
    """A model that has learned nothing, in a shop of which ten items are found."""
    monkeypatch.setattr(retrieval, "LENGTH", 10)
    items = shop.catalog.items
    vocabulary = Vocabulary.of(shop.table.item_nos, items.category_nos, items.brand_nos, 1)
    return BehaviorModel(tiny_plan().model, vocabulary, 3)


def test_factors_of_who_took_what_find_more_than_nothing_learned(
    untrained: BehaviorModel, sets: ExampleSets, shop: ShopData
) -> None:
    table, items = shop.table, shop.catalog.items
    assert untrained.factors is not None
    set_factors(untrained.factors, Factorization.of(table.users, table.item_nos, table.types, 64, 1), items)
    found = choose_factor_weight(untrained, sets.validation, ItemVectors.of(untrained, items), table.item_nos)
    assert float(untrained.factor_weight) > 0
    assert found["model"] > found["learned"]


def test_factors_that_say_the_contrary_weigh_nothing(
    untrained: BehaviorModel, sets: ExampleSets, shop: ShopData
) -> None:
    items = shop.catalog.items
    assert untrained.factors is not None
    item_nos = np.arange(1, 61)
    # Who took some items is told to want all but the categories of them: every product is below 0.
    away = np.eye(60, 64, dtype=np.float32)
    away[:, 60] = np.where(item_nos % 2, 1.0, -1.0) * 9
    set_factors(untrained.factors, Factorization(item_nos, away), items)
    untrained.factors.set_vectors("item", item_nos, np.zeros((60, 64), np.float32))
    untrained.factors.set_vectors("category", np.zeros(0), np.zeros((0, 64), np.float32))
    untrained.factors.set_vectors("brand", np.zeros(0), np.zeros((0, 64), np.float32))
    found = choose_factor_weight(untrained, sets.validation, ItemVectors.of(untrained, items), shop.table.item_nos)
    assert float(untrained.factor_weight) == 0.0, "equal weights: the least"
    assert found["model"] == found["learned"]


def test_where_nobody_takes_anything_new_there_is_nothing_to_choose_by(
    untrained: BehaviorModel, sets: ExampleSets, shop: ShopData
) -> None:
    nobody = sets.validation
    histories = nobody.inputs["history_item_nos"]
    row = next(row for row, visit in enumerate(nobody.visits) if len(np.setdiff1d(visit.item_nos, histories[row])))
    known = np.isin(nobody.visits[row].item_nos, histories[row])
    visit = type(nobody.visits[row])(nobody.visits[row].item_nos[known], nobody.visits[row].labels[known])
    same = type(nobody)(
        {name: array[row : row + 1] for name, array in nobody.inputs.items()},
        nobody.labels[row : row + 1],
        nobody.offsets[row : row + 1],
        nobody.exposures[row : row + 1],
        [visit],
        nobody.items,
    )
    vectors = ItemVectors.of(untrained, shop.catalog.items)
    assert choose_factor_weight(untrained, same, vectors, shop.table.item_nos) == {}
    assert float(untrained.factor_weight) == 1.0


def test_the_run_record_says_what_is_found(trained: Trained) -> None:
    assert trained.report.retrieval.keys() == {"model", "learned", "popularity"}
    assert all(0 <= recall <= 1 for recall in trained.report.retrieval.values())
    assert trained.report.retrieval["model"] >= trained.report.retrieval["learned"]
    assert trained.report.factor_weight in retrieval.WEIGHTS
