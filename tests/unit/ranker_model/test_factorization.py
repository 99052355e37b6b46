import numpy as np
import tensorflow as tf

from services.common import event_types
from services.ranker.inputs.tensors import encode_item_inputs
from services.ranker.model.behavior_model import BehaviorModel
from services.ranker.model.config import BehaviorModelConfig
from services.ranker.model.embeddings import Vocabulary
from services.ranker.training.fitting.factorization import Factorization, set_factors
from services.ranker.training.shop.catalog import TrainingCatalog
from tests.support.training_shop import catalog_change, training_catalog, training_shop


def factorize(events: list[tuple[int, int, int]], width: int = 4) -> Factorization:
    users, item_nos, types = (np.array(column, np.int64) for column in zip(*events, strict=True))
    return Factorization.of(users, item_nos, types, width, 1)


def model_of(catalog: TrainingCatalog, factors: int, minimum_item_events: int = 1) -> BehaviorModel:
    items = catalog.items
    rows = items.rows(items.known_item_nos())
    vocabulary = Vocabulary.of(
        items.known_item_nos().astype(np.int64), items.category_nos[rows], items.brand_nos[rows], minimum_item_events
    )
    return BehaviorModel(BehaviorModelConfig(width=8, layers=1, history_length=4, factors=factors), vocabulary)


def factors_of(model: BehaviorModel, catalog: TrainingCatalog, item_nos: list[int]) -> np.ndarray:
    vectors: np.ndarray = model.encode_item(encode_item_inputs(catalog.items, np.array(item_nos))).numpy()
    return vectors[:, model.config.width + 1 :]


def test_the_products_are_those_of_a_dense_decomposition() -> None:
    table = training_shop().table
    found = Factorization.of(table.users, table.item_nos, table.types, 5, 1)
    taken = np.zeros((30, 60))
    np.add.at(taken, (table.users, table.item_nos - 1), 5.0)
    taken = np.log1p(taken)
    directions = np.linalg.svd(taken / np.sqrt(np.linalg.norm(taken, axis=0) + 5.0))[2][:5].T
    directions *= np.sqrt(60 / 5)
    assert np.array_equal(found.item_nos, np.arange(1, 61))
    assert np.allclose(found.vectors @ found.vectors.T, directions @ directions.T, atol=0.05)
    assert np.isclose(np.square(found.vectors).sum(axis=1).mean(), 1.0, atol=1e-5)


def test_what_the_same_users_took_is_alike() -> None:
    buy = event_types.PURCHASE
    found = factorize([(user, item, buy) for user in range(20) for item in ((1, 2) if user % 2 else (3, 4))], 2)
    alike = found.vectors @ found.vectors.T
    assert alike[0, 1] > 0.9
    assert abs(alike[0, 2]) < 0.01


def test_what_was_taken_back_searched_or_seen_in_passing_says_nothing() -> None:
    events = [(user, 1 + user % 3, event_types.PURCHASE) for user in range(9)]
    more = [(0, 7, event_types.IMPRESSION), (1, 0, event_types.SEARCH)]
    returned = [(4, 8, event_types.PURCHASE), (4, 8, event_types.REFUND)]
    plain, found = factorize(events), factorize(events + more + returned)
    assert 7 not in found.item_nos
    assert not found.vectors[found.item_nos == 8].any()
    mine = np.isin(found.item_nos, plain.item_nos)
    alike = found.vectors[mine] @ found.vectors[mine].T
    assert np.allclose(alike / alike[0, 0], (plain.vectors @ plain.vectors.T) / (plain.vectors[0] @ plain.vectors[0]))


def test_little_gives_few_factors_and_no_fault() -> None:
    one = factorize([(0, 5, event_types.VIEW)])
    assert np.allclose(np.abs(one.vectors), [[1, 0, 0, 0]])
    nothing = factorize([(0, 5, event_types.IMPRESSION)])
    assert nothing.vectors.shape == (0, 4)
    taken_back = factorize([(0, 5, event_types.REFUND)])
    assert np.isfinite(taken_back.vectors).all()


def test_an_item_has_its_factors_and_a_new_one_those_of_its_category_and_brand() -> None:
    catalog, table = training_catalog(), training_shop().table
    found = Factorization.of(table.users, table.item_nos, table.types, 6, 1)
    model = model_of(catalog, 6)
    assert model.factors is not None
    set_factors(model.factors, found, catalog.items)
    assert np.allclose(factors_of(model, catalog, list(range(1, 61))), found.vectors, atol=1e-5)

    catalog.apply([catalog_change(900), catalog_change(901, price=None)])
    new, other = factors_of(model, catalog, [900, 901])
    same = found.vectors[[no % 6 == 900 % 6 for no in found.item_nos.tolist()]].mean(axis=0)
    away = found.vectors[[no % 6 == 3 for no in found.item_nos.tolist()]].mean(axis=0)
    assert new @ same > new @ away
    assert not np.allclose(new, other)


def test_a_user_is_the_factors_of_what_was_taken() -> None:
    catalog, table = training_catalog(), training_shop().table
    found = Factorization.of(table.users, table.item_nos, table.types, 6, 1)
    model = model_of(catalog, 6)
    assert model.factors is not None
    set_factors(model.factors, found, catalog.items)
    model.factor_weight.assign(2.0)
    history = encode_item_inputs(catalog.items, np.array([7, 8, 9, 9]))
    batch = {f"history_{name}": tf.constant(array[None]) for name, array in history.items()}
    batch["history_types"] = tf.constant(
        [[0, event_types.VIEW, event_types.PURCHASE, event_types.IMPRESSION]]  # padding, 1, 5, nothing
    )
    batch["history_ages"] = tf.constant([[9.0, 3.0, 2.0, 1.0]])
    user = model.encode_user(batch).numpy()[0]
    wanted = 2.0 * (found.vectors[7] + 5.0 * found.vectors[8]) / np.sqrt(1 + 25)
    assert np.allclose(user[9:], wanted, atol=1e-4)
    assert user[8] == 1.0

    batch["history_types"] = tf.zeros((1, 4), tf.int32)
    assert not model.encode_user(batch).numpy()[0, 9:].any()


def test_a_model_without_factors_has_vectors_of_the_tower_alone() -> None:
    catalog = training_catalog()
    assert factors_of(model_of(catalog, 0), catalog, [1]).shape == (1, 0)
    hashed = BehaviorModelConfig(width=8, hashed_item_rows=16, factors=6)
    assert hashed.vector_width == 9
