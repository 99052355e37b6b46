from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import tensorflow as tf


class WeightAverage:
    """An exponential average of a network's weights over its steps (Polyak and Juditsky, 1992).

    What is trained at one rate until validation gets no better ends in noise around an optimum; its average stands
    nearer. The first steps count by a shorter memory, so that the average does not hang on where training began.
    """

    def __init__(self, variables: Sequence[Any], decay: float) -> None:
        self._variables = list(variables)
        self._decay = decay
        self._averages = [tf.Variable(variable.value, trainable=False) for variable in variables]
        self._steps = tf.Variable(0.0, trainable=False)

    def update(self) -> None:
        """Takes in the weights as they are now; runs inside a graph, too."""
        self._steps.assign_add(1.0)
        decay = tf.minimum(self._decay, self._steps / (self._steps + 10.0))
        for average, variable in zip(self._averages, self._variables, strict=True):
            average.assign_sub((1.0 - decay) * (average - variable.value))

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Gives the network the averages for as long as the block lasts."""
        trained = [variable.value.numpy() for variable in self._variables]
        for average, variable in zip(self._averages, self._variables, strict=True):
            variable.assign(average)
        try:
            yield
        finally:
            for weights, variable in zip(trained, self._variables, strict=True):
                variable.assign(weights)
