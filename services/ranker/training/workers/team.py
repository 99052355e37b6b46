"""Who learns together: one process alone, or several that hold the same weights."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import tensorflow as tf
from numpy.typing import NDArray

from services.common.errors import UnavailableError
from services.ranker.training.workers.cluster import Cluster

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


class MirroredWorkers:
    """Processes that hold the same weights, each learning from its part of every batch: synchronous data parallelism
    by `tf.distribute.MultiWorkerMirroredStrategy`, with one replica a process.

    The strategy sums over the processes; the variables are each process's own. They stay the same, since all begin with
    the chief's and move by the same sums. (Keras 3's optimizers do not take variables of this strategy.)

    It has to be made before TensorFlow computes anything, and returns when all have come. Faults of others are
    UnavailableError (WORKER_GONE).
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        with _others():
            self._strategy = tf.distribute.MultiWorkerMirroredStrategy()
        # Compiled apart from what depends on a batch's shape: a sum has to be the same one in all processes.
        self._sum = tf.function(self._summed, reduce_retracing=False)

    def part(self, places: NDArray[Any]) -> NDArray[Any]:
        return self._cluster.part(places)

    def step(self, local: Local, move: Move) -> Callable[[Any, Any], Any]:
        """The mean over a batch is that of the parts' means, by how many examples they have."""
        compiled_local, compiled_move = tf.function(local, reduce_retracing=True), tf.function(move)

        def learn(batch: Any, seed: Any) -> Any:
            loss, gradients = compiled_local(batch, seed)
            count = tf.cast(tf.shape(batch["labels"])[0], tf.float32)
            places = [place for place, gradient in enumerate(gradients) if gradient is not None]
            weighed = [tf.convert_to_tensor(gradients[place]) * count for place in places]
            with _others():
                loss, total, *summed = self._sum([loss * count, count, *weighed])
            for place, gradient in zip(places, summed, strict=True):
                gradients[place] = gradient / total
            compiled_move(gradients)
            return loss / total

        return learn

    def agreed(self, value: int) -> int:
        return int(self._of_chief([tf.constant(value, tf.float64)])[0])

    def share(self, variables: Sequence[Any]) -> None:
        """Numbers of all types go as float64, which holds each of them."""
        values = self._of_chief([tf.cast(tf.convert_to_tensor(variable), tf.float64) for variable in variables])
        for variable, value in zip(variables, values, strict=True):
            variable.assign(tf.cast(value, variable.dtype))

    def _of_chief(self, values: list[Any]) -> list[Any]:
        mine = values if self._cluster.is_chief else [tf.zeros_like(value) for value in values]
        with _others():
            summed: list[Any] = self._sum(mine)
        return summed

    def _summed(self, values: list[Any]) -> Any:
        def over_all(values: list[Any]) -> Any:
            # On the replica's device, which the strategy asks of what it sums.
            values = [tf.identity(value) for value in values]
            return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, values)

        return self._strategy.run(over_all, args=(values,))


@contextmanager
def _others() -> Iterator[None]:
    try:
        yield
    except tf.errors.OpError as error:
        raise UnavailableError(
            f"a worker of the cluster cannot be reached or has gone ({type(error).__name__}); start all of them again: "
            "the fit goes on after its last whole epoch",
            reason="WORKER_GONE",
        ) from error
