"""The port behind which a text becomes a vector."""

from collections.abc import Sequence
from typing import Any, Protocol

from numpy.typing import NDArray


class TextEncoder(Protocol):
    """Makes vectors of texts: alike ones of texts that mean alike things."""

    name: str
    """One of ENCODER_WIDTHS in services/ranker/inputs/text_encoders.py."""

    version: str
    """Changes whenever the same text has another vector."""

    width: int

    def encode(self, texts: Sequence[str]) -> NDArray[Any]:
        """Returns float32[len(texts), width]. It takes the processor's time: call it off the event loop."""
        ...
