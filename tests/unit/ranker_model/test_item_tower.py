import numpy as np
import tensorflow as tf

from services.ranker.model.config import BehaviorModelConfig
from services.ranker.model.embeddings import Vocabulary
from services.ranker.model.item_tower import ItemTower

ITEMS = 40


def vectors_of(tower: ItemTower, training: bool) -> np.ndarray:
    rows = tf.sparse.from_dense(tf.eye(ITEMS, len(tower.category)))  # each its own content, if only a little
    result: np.ndarray = tower.catalog_vectors(tf.range(1, ITEMS + 1), rows, training=training).numpy()
    return result


def tower_of(rate: float) -> ItemTower:
    vocabulary = Vocabulary.of(np.arange(1, ITEMS + 1), np.arange(1, 51), np.zeros(0), 1)
    tower = ItemTower(BehaviorModelConfig(width=4, heads=1, unseen_item_rate=rate), vocabulary, seed=1)
    tower.build((None,))
    return tower


def test_training_takes_a_part_of_the_items_for_unseen_and_serving_none() -> None:
    tower = tower_of(0.5)
    unseen = np.zeros(ITEMS, np.int32) + ITEMS + 1
    content = vectors_of(tower, training=False) - tower._item(tf.range(1, ITEMS + 1)).numpy()
    as_unseen = np.all(np.isclose(vectors_of(tower, training=True), content + tower._item(unseen).numpy()), axis=1)
    assert 5 < as_unseen.sum() < 35
    assert np.array_equal(vectors_of(tower, training=False), vectors_of(tower, training=False))


def test_without_a_rate_training_knows_all_items() -> None:
    tower = tower_of(0.0)
    assert np.array_equal(vectors_of(tower, training=True), vectors_of(tower, training=False))
