from typing import Any, Final

import keras
import tensorflow as tf

from services.ranker.inputs.exposures import EXPOSURES

_SPEED: Final = 10.0
"""The optimizer moves a weight by its rate at most, too little for position effects in a few hundred steps."""


class ExposureTower(keras.layers.Layer):
    """What a position adds to the logits, whatever the item: a shallow tower used only in training.

    It absorbs position bias, so that the rest of the model learns preference (Zhao et al., "Recommending What Video to
    Watch Next", 2019, section 4.3). It adds nothing to items that weren't shown.
    """

    def __init__(self, actions: int, **options: Any) -> None:
        super().__init__(**options)
        self._actions = actions

    def build(self, shape: Any) -> None:
        """Builds the table; all places start equal."""
        self._biases = self.add_weight(name="biases", shape=(EXPOSURES - 1, self._actions), initializer="zeros")
        self.built = True

    def start_at(self, log_odds: Any) -> None:
        """Sets the initial log-odds, (EXPOSURES, actions). The first row, of items that weren't shown, is ignored."""
        self._biases.assign(log_odds[1:] / _SPEED)

    def call(self, exposures: Any) -> Any:
        """Returns what is added to the logits, (B, N, actions), for exposures (B, N)."""
        return tf.gather(tf.pad(_SPEED * self._biases, [[1, 0], [0, 0]]), exposures)
