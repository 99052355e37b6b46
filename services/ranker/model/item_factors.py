from collections.abc import Mapping
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from services.ranker.model.config import BehaviorModelConfig
from services.ranker.model.embeddings import NONE, UNSEEN, NumberEmbedding, Vocabulary


class ItemFactors(keras.layers.Layer):
    """An item's collaborative factors (services/ranker/training/fitting/factorization.py): the sum of vectors of its
    category levels, its brand, and its number, each the residual of those before it.

    They're set before training, which doesn't change them: an item without its own has those of its category and brand.
    """

    def __init__(self, config: BehaviorModelConfig, vocabulary: Vocabulary, **options: Any) -> None:
        super().__init__(trainable=False, **options)
        self.inputs: Final = ("item_nos", "category_nos", "brand_nos")
        """Its inputs, named as after `history_` and `candidate_`."""

        numbers = {"item": vocabulary.item_nos, "category": vocabulary.category_nos, "brand": vocabulary.brand_nos}
        self.tables: Final = {
            name: NumberEmbedding(known, config.kept_factors, 0.0, 0, deviation=0.0, name=name)
            for name, known in numbers.items()
        }

    def build(self, shape: Any) -> None:
        """Builds the parts."""
        for table in self.tables.values():
            table.trainable = False
            table.build((None,))
        self.built = True

    def set_vectors(self, name: str, numbers: NDArray[Any], vectors: NDArray[Any]) -> None:
        """Sets the vectors (numbers, factors) of some numbers of the table of that name. Others have zeros."""
        table = self.tables[name]
        values = np.zeros(table.vectors.shape, np.float32)
        values[table.rows(tf.constant(numbers, tf.int32)).numpy()] = vectors
        values[[NONE, UNSEEN]] = 0
        table.vectors.assign(values)

    def call(self, item: Mapping[str, Any]) -> Any:  # Keras's contract
        """Returns vectors of shape (*item_nos.shape, factors)."""
        return (
            self.tables["item"](item["item_nos"])
            + tf.reduce_sum(self.tables["category"](item["category_nos"]), axis=-2)
            + self.tables["brand"](item["brand_nos"])
        )
