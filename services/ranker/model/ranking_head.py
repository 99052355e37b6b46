from typing import Any

import keras

from services.ranker.model.config import BehaviorModelConfig


class RankingHead(keras.layers.Layer):
    """From what is known of user and candidate to one logit per action: a network of rectified layers with dropout.

    A cross layer beside it (DCN-v2, of low rank) made the ranking worse on all of five validation cuts of a grocer's
    log: products of heavy-tailed counts fit the noise.
    """

    def __init__(self, config: BehaviorModelConfig, inputs: int, actions: int, seed: int, **options: Any) -> None:
        super().__init__(**options)
        self._inputs = inputs
        self._hidden_sizes = config.hidden
        glorot = keras.initializers.GlorotUniform
        self._network = [
            keras.layers.Dense(size, "relu", kernel_initializer=glorot(seed + 2 + n), name=f"hidden_{n}")
            for n, size in enumerate(config.hidden)
        ]
        self._dropout = keras.layers.Dropout(config.hidden_dropout, seed=seed + 21)
        self._logits = keras.layers.Dense(actions, kernel_initializer=glorot(seed + 20), name="logits")

    def build(self, shape: Any) -> None:
        """Builds the parts."""
        size = self._inputs
        for layer, width in zip(self._network, self._hidden_sizes, strict=True):
            layer.build((None, None, size))
            size = width
        self._logits.build((None, None, size))
        self.built = True

    def start_at(self, log_odds: Any) -> None:
        """Sets the logits' bias: training begins at the actions' mean odds."""
        self._logits.bias.assign(log_odds)

    def call(self, features: Any, training: bool = False) -> Any:
        """Returns logits of shape (B, N, actions) for features of shape (B, N, inputs)."""
        hidden = features
        for layer in self._network:
            hidden = self._dropout(layer(hidden), training=training)
        return self._logits(hidden)
