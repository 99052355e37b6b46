from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from services.ranker.training.examples.examples import Examples

_AHEAD: Final = 2


def batches(examples: Examples, parts: Sequence[NDArray[np.int64]]) -> Any:
    """Returns a batch of the examples at each part's places (`Examples.batch`) as a tf.data.Dataset, made ahead of the
    steps that use them.
    """

    def made() -> Iterator[dict[str, NDArray[Any]]]:
        for places in parts:
            yield examples.batch(places)

    one = examples.batch(parts[0][:1])
    signature = {name: tf.TensorSpec((None, *array.shape[1:]), array.dtype) for name, array in one.items()}
    return tf.data.Dataset.from_generator(made, output_signature=signature).prefetch(_AHEAD)
