"""Requests that carry tf.Examples: a model parses them itself, from one tensor of serialized examples."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.common.errors import InvalidArgumentError

INPUTS: Final = "inputs"
"""The one input of a signature that takes examples."""

_WITH_CONTEXT: Final = "example_list_with_context"


def read_examples(message: Any) -> NDArray[np.object_]:
    """Returns the examples of a `tensorflow.serving.Input`, serialized, of shape (examples,).

    A list's context belongs to each of its examples; where both have a feature, the example's own holds. Raises
    InvalidArgumentError where there is none.
    """
    kind = message.WhichOneof("kind")
    examples = getattr(message, kind).examples if kind else ()
    if not examples:
        raise InvalidArgumentError("Input is empty.", reason="INPUT_EMPTY")
    # Serialized messages one after the other are those messages merged, the later ones winning.
    context = message.example_list_with_context.context.SerializeToString() if kind == _WITH_CONTEXT else b""
    return np.array([context + example.SerializeToString() for example in examples], dtype=object)
