from typing import Any

import keras
import keras_rs

from services.ranker.model.config import BehaviorModelConfig


class RankingHead(keras.layers.Layer):
    """From the inputs about user and candidate to one logit per action: ReLU layers with dropout and, if the
    configuration has crosses, parallel low-rank cross layers (DCN-V2: https://arxiv.org/abs/2008.13535).
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
        self._crosses = [
            keras_rs.layers.FeatureCross(config.cross_rank, kernel_initializer=glorot(seed + 40 + n), name=f"cross_{n}")
            for n in range(config.crosses)
        ]
        self._logits = keras.layers.Dense(actions, kernel_initializer=glorot(seed + 20), name="logits")

    def build(self, shape: Any) -> None:
        """Builds the parts."""
        size = self._inputs
        for layer, width in zip(self._network, self._hidden_sizes, strict=True):
            layer.build((None, None, size))
            size = width
        if self._crosses:
            self._crossed(keras.ops.zeros((1, 1, self._inputs)))  # the layer creates its weights when called
            size += self._inputs
        self._logits.build((None, None, size))
        self.built = True

    def start_at(self, log_odds: Any) -> None:
        """Sets the logits' bias: training starts at the actions' mean odds."""
        self._logits.bias.assign(log_odds)

    def call(self, features: Any, training: bool = False) -> Any:
        """Returns logits of shape (B, N, actions) for features of shape (B, N, inputs)."""
        hidden = features
        for layer in self._network:
            hidden = self._dropout(layer(hidden), training=training)
        if self._crosses:
            hidden = keras.ops.concatenate([hidden, self._crossed(features)], axis=-1)
        return self._logits(hidden)

    def _crossed(self, features: Any) -> Any:
        crossed = features
        for cross in self._crosses:
            crossed = cross(features, crossed)
        return crossed
