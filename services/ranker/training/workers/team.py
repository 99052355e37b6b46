from collections.abc import Callable, Sequence
from typing import Any, Protocol

import tensorflow as tf
from numpy.typing import NDArray

Local = Callable[[Any, Any], tuple[Any, list[Any]]]
"""From a batch and a seed to the loss and the gradients, in the order of what `Move` takes."""

Move = Callable[[list[Any]], None]


class Team(Protocol):
    """Who learns together. All of them call the same methods in the same order."""

    def part(self, places: NDArray[Any]) -> NDArray[Any]:
        """Returns this one's part of a batch's examples."""

    def step(self, local: Local, move: Move) -> Callable[[Any, Any], Any]:
        """Returns what learns from a batch and returns its loss: `local` finds gradients, `move` applies all's."""

    def agreed(self, value: int) -> int:
        """Returns the chief's value."""

    def share(self, variables: Sequence[Any]) -> None:
        """Sets the variables of all to the chief's."""


class Alone:
    """One process that learns by itself: TensorFlow's default strategy."""

    def part(self, places: NDArray[Any]) -> NDArray[Any]:
        return places

    def step(self, local: Local, move: Move) -> Callable[[Any, Any], Any]:
        """Compiles both as one."""

        def learn(batch: Any, seed: Any) -> Any:
            loss, gradients = local(batch, seed)
            move(gradients)
            return loss

        compiled: Callable[[Any, Any], Any] = tf.function(learn, reduce_retracing=True)
        return compiled

    def agreed(self, value: int) -> int:
        return value

    def share(self, variables: Sequence[Any]) -> None:
        """There is nobody to share with."""
