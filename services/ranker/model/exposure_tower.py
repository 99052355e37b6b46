from typing import Any, Final

import keras
import tensorflow as tf

from services.ranker.inputs.exposures import EXPOSURES

_SPEED: Final = 10.0
"""The optimizer moves a number by its rate at most, which is too little for what places do in a few hundred steps."""


class ExposureTower(keras.layers.Layer):
    """What being shown at a place adds to the logits, whatever the item: a shallow tower that training alone uses.

    It explains what is taken because it stood in front, so that the rest of the model learns what is liked (Zhao et
    al., "Recommending What Video to Watch Next", 2019, section 4.3). To what was not shown it adds nothing.
    """

    def __init__(self, actions: int, **options: Any) -> None:
        super().__init__(**options)
        self._actions = actions

    def build(self, shape: Any) -> None:
        """Builds the table; all places begin alike."""
        self._biases = self.add_weight(name="biases", shape=(EXPOSURES - 1, self._actions), initializer="zeros")
        self.built = True

    def start_at(self, log_odds: Any) -> None:
        """Sets what is added, (EXPOSURES, actions): training begins there. The first row, of what was not shown, is
        left out.
        """
        self._biases.assign(log_odds[1:] / _SPEED)

    def call(self, exposures: Any) -> Any:
        """Returns what is added to the logits, (B, N, actions), for exposures (B, N)."""
        return tf.gather(tf.pad(_SPEED * self._biases, [[1, 0], [0, 0]]), exposures)
