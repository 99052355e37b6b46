"""The item vectors that the model takes: the shop's own, and a text encoder's, which is named here and not loaded."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import structlog
from numpy.typing import NDArray

from services.common.direction import VectorFault, direction
from vitrine.features.v1.item_pb2 import Item

MINILM: Final = "minilm"

ENCODER_WIDTHS: Final[Mapping[str, int]] = {MINILM: 384}
"""The available text encoders, and the lengths of their vectors. An encoder's vector has its name among an item's
named vectors."""


def require_encoder(name: str, vectors: Mapping[str, int]) -> None:
    """Raises ValueError if there is no such encoder, or if a vector of the shop has an encoder's name; an empty name
    means no encoder.
    """
    if name and name not in ENCODER_WIDTHS:
        raise ValueError(f'text_encoder is "{name}"; give one of {", ".join(sorted(ENCODER_WIDTHS))}, or none: ""')
    if taken := sorted(ENCODER_WIDTHS.keys() & vectors.keys()):
        raise ValueError(
            f'vectors has "{taken[0]}", which names the vector of a text encoder; give text_encoder, or rename the '
            "shop's vector"
        )


def with_encoder(name: str, vectors: Mapping[str, int]) -> dict[str, int]:
    """Returns the lengths of an item's vectors by name, ascending: the shop's, and the encoder's if one is given."""
    encoded = {name: ENCODER_WIDTHS[name]} if name else {}
    return dict(sorted({**vectors, **encoded}.items()))


NO_VECTORS: Final[Mapping[str, int]] = {}

_log = structlog.get_logger(__name__)


class NamedVectors:
    """The item vectors that the model uses, side by side in one row, ascending by name: the shop's, and the text's if a
    text encoder is among the names.

    They're normalized to length 1, and all 0 if an item has no valid one.
    """

    def __init__(self, sizes: Mapping[str, int] = NO_VECTORS) -> None:
        self.sizes = dict(sorted(sizes.items()))
        self.width = sum(self.sizes.values())
        self.shop_sizes = {name: size for name, size in self.sizes.items() if name not in ENCODER_WIDTHS}
        self.encoder = next((name for name in self.sizes if name in ENCODER_WIDTHS), "")
        """The text encoder whose vector is among them; empty if none."""

        begin = sum(size for name, size in self.sizes.items() if name < self.encoder)
        self.text_place = slice(begin, begin + self.sizes.get(self.encoder, 0))
        """The text vector's slice of a row; empty if there is no encoder."""

        self.misfits = dict.fromkeys(self.shop_sizes, 0)
        """How many vectors were left out, by name: of another length than configured, not finite, or all 0."""

    def row(self, item: Item) -> NDArray[np.float16]:
        """Returns the item's row, float16[width], with the shop's vectors; the text's vector is set later."""
        row, begin = np.zeros(self.width, np.float16), 0
        for name, size in self.sizes.items():
            if name in self.shop_sizes and name in item.vectors:
                values = item.vectors[name].values
                made = direction(values)
                if len(values) == size and not isinstance(made, VectorFault):
                    row[begin : begin + size] = made
                else:
                    self._leave_out(name, len(values))
            begin += size
        return row

    def _leave_out(self, name: str, length: int) -> None:
        if not self.misfits[name]:
            _log.warning("vector_left_out", vector=name, length=length, configured=self.sizes[name])
        self.misfits[name] += 1
