from typing import Any

import keras
import tensorflow as tf

from services.ranker.model.config import BehaviorModelConfig


class RankingHead(keras.layers.Layer):
    """From what is known of user and candidate to one logit per action: a cross layer beside a network.

    The cross layer is DCN-v2's of low rank (Wang et al., "DCN V2", 2020): x0 ⊙ (U (V x0) + b) + x0.
    """

    def __init__(self, config: BehaviorModelConfig, inputs: int, actions: int, seed: int, **options: Any) -> None:
        super().__init__(**options)
        self._inputs = inputs
        self._hidden_sizes = config.hidden
        glorot = keras.initializers.GlorotUniform
        self._into = keras.layers.Dense(config.cross_rank, use_bias=False, kernel_initializer=glorot(seed), name="into")
        self._out = keras.layers.Dense(inputs, kernel_initializer=glorot(seed + 1), name="out")
        self._network = [
            keras.layers.Dense(size, "relu", kernel_initializer=glorot(seed + 2 + n), name=f"hidden_{n}")
            for n, size in enumerate(config.hidden)
        ]
        self._cross_rank = config.cross_rank
        self._logits = keras.layers.Dense(actions, kernel_initializer=glorot(seed + 20), name="logits")

    def build(self, shape: Any) -> None:
        """Builds the parts."""
        self._into.build((None, None, self._inputs))
        self._out.build((None, None, self._cross_rank))
        size = self._inputs
        for layer, width in zip(self._network, self._hidden_sizes, strict=True):
            layer.build((None, None, size))
            size = width
        self._logits.build((None, None, self._inputs + size))
        self.built = True

    def start_at(self, log_odds: Any) -> None:
        """Sets the logits' bias: training begins at the actions' mean odds."""
        self._logits.bias.assign(log_odds)

    def call(self, features: Any) -> Any:
        """Returns logits of shape (B, N, actions) for features of shape (B, N, inputs)."""
        crossed = features * self._out(self._into(features)) + features
        hidden = features
        for layer in self._network:
            hidden = layer(hidden)
        return self._logits(tf.concat([crossed, hidden], axis=-1))
