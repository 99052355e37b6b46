from collections.abc import Mapping
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf

from services.ranker.inputs.tensors import VECTORS
from services.ranker.model.config import BehaviorModelConfig
from services.ranker.model.embeddings import (
    HashedEmbedding,
    NumberEmbedding,
    TokenEmbedding,
    VectorProjection,
    Vocabulary,
)

LOG_PRICE_PER_BAND: Final = 0.5


class ItemTower(keras.layers.Layer):
    """An item as a vector: the sum of vectors of its number, category levels, brand, price band, text, and its named
    vectors: the shop's, and the text encoder's.

    The vector has `width` + 1 elements; the last is the item's bias, which a user's vector meets with a constant 1. An
    item unseen in training is its content.
    """

    def __init__(self, config: BehaviorModelConfig, vocabulary: Vocabulary, seed: int, **options: Any) -> None:
        super().__init__(**options)
        width = config.width + 1
        self._bands = config.price_bands
        self._counts = vocabulary.item_counts
        self._hashed = config.hashed_item_rows > 0
        self._item: HashedEmbedding | NumberEmbedding = (
            HashedEmbedding(config.hashed_item_rows, width, name="item")
            if self._hashed
            else NumberEmbedding(vocabulary.item_nos, width, config.unseen_item_rate, seed, name="item")
        )
        self.category = NumberEmbedding(vocabulary.category_nos, width, config.unseen_rate, seed + 1, name="category")
        self._brand = NumberEmbedding(vocabulary.brand_nos, width, config.unseen_rate, seed + 2, name="brand")
        self._price = keras.layers.Embedding(
            config.price_bands + 1, width, keras.initializers.RandomNormal(stddev=0.05, seed=seed + 3), name="price"
        )
        self._vectors = [
            VectorProjection(size, width, config.unseen_rate, seed + 10 + place, name=f"vector_{place}")
            for place, size in enumerate(config.item_vectors.values())
        ]
        self._vector_sizes = list(config.item_vectors.values())
        named = (VECTORS,) if config.item_vectors else ()
        self.inputs: Final = ("item_nos", "category_nos", "brand_nos", "log_prices", "token_nos", *named)
        """Its inputs, named as after `history_` and `candidate_`."""

        sizes = config.token_rows, config.token_width, width
        self._text = TokenEmbedding(*sizes, config.unseen_rate, seed + 4, name="text") if config.token_rows else None

    def build(self, shape: Any) -> None:
        """Builds the parts."""
        for part in (self._item, self.category, self._brand, self._price, self._text, *self._vectors):
            if part is not None:
                part.build((None,))
        if isinstance(self._item, NumberEmbedding) and len(self._counts):
            # A softmax learns popularity as biases; starting at 0, that would take many epochs.
            shares = np.log(self._counts / self._counts.sum())
            self._item.start_last_at(shares, float(shares.min()))
        self.built = True

    @property
    def table(self) -> Any:
        """The variable of a hashed table, of which a step updates only some rows; None if items have vectors of their
        own.
        """
        return self._item.vectors if self._hashed else None

    def catalog_vectors(self, item_nos: Any, category_rows: Any, training: bool = False) -> Any:
        """Returns the vectors, (items, width + 1), of items without brand, price, text and named vectors.

        `category_rows` is a constant sparse matrix (items, rows of the categories' vectors): how much of each row an
        item has. Over a whole catalog, one product replaces gathering every item's categories, as `call` does.
        """
        nothing = tf.zeros((), tf.int32)
        content = tf.sparse.sparse_dense_matmul(category_rows, self.category.vectors)
        item = self._item(item_nos, training=training)
        vectors = item + content + self._brand(nothing) + self._price(nothing)
        for projection in self._vectors:
            vectors += projection.missing
        return vectors if self._text is None else vectors + self._text(nothing[None, None])

    def call(self, item: Mapping[str, Any], training: bool = False) -> Any:  # Keras's contract
        """Returns vectors of shape (*item_nos.shape, width + 1). Prices are ln(1 + price), below 0 for none."""
        log_prices = item["log_prices"]
        band = tf.cast(tf.floor(log_prices / LOG_PRICE_PER_BAND), tf.int32) + 1
        band = tf.where(log_prices < 0, 0, tf.clip_by_value(band, 1, self._bands))
        vectors = (
            self._item(item["item_nos"], training=training)
            + tf.reduce_sum(self.category(item["category_nos"], training=training), axis=-2)
            + self._brand(item["brand_nos"], training=training)
            + self._price(band)
        )
        if self._text is not None:
            vectors += self._text(item["token_nos"], training=training)
        if self._vectors:
            named = tf.split(item[VECTORS], self._vector_sizes, axis=-1)
            vectors += sum(part(one, training=training) for part, one in zip(self._vectors, named, strict=True))
        return vectors
