"""Which text encoders there are, told without loading them: the vector of an item's text bears its encoder's name."""

from collections.abc import Mapping
from typing import Final

MINILM: Final = "minilm"

ENCODER_WIDTHS: Final[Mapping[str, int]] = {MINILM: 384}
"""The text encoders that can be chosen, and the lengths of their vectors. An encoder's vector bears its name among an
item's named vectors."""


def require_encoder(name: str, vectors: Mapping[str, int]) -> None:
    """Raises ValueError where there is no such encoder, or where a vector of the shop has an encoder's name; an empty
    name is no encoder.
    """
    if name and name not in ENCODER_WIDTHS:
        raise ValueError(f'text_encoder is "{name}"; give one of {", ".join(sorted(ENCODER_WIDTHS))}, or none: ""')
    if taken := sorted(ENCODER_WIDTHS.keys() & vectors.keys()):
        raise ValueError(
            f'vectors has "{taken[0]}", which names the vector of a text encoder; give text_encoder, or rename the '
            "shop's vector"
        )


def with_encoder(name: str, vectors: Mapping[str, int]) -> dict[str, int]:
    """Returns the lengths of an item's vectors by name, ascending: the shop's, and the encoder's where one is named."""
    encoded = {name: ENCODER_WIDTHS[name]} if name else {}
    return dict(sorted({**vectors, **encoded}.items()))
