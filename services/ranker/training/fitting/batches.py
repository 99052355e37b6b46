from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from services.ranker.training.examples.examples import Examples

_AHEAD: Final = 2


def batches(examples: Examples, order: NDArray[np.int64], count: int) -> Any:
    """Returns `count` batches of the examples in that order (`Examples.batch`) as a tf.data.Dataset, made ahead of the
    steps that use them. The same order gives the same batches.
    """

    def made() -> Iterator[dict[str, NDArray[Any]]]:
        for places in np.array_split(order, count):
            yield examples.batch(places)

    signature = {
        name: tf.TensorSpec((None, *array.shape[1:]), array.dtype) for name, array in examples.batch(order[:1]).items()
    }
    return tf.data.Dataset.from_generator(made, output_signature=signature).prefetch(_AHEAD)
