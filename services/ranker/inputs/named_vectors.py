from collections.abc import Mapping
from typing import Final

import numpy as np
import structlog
from numpy.typing import NDArray

from services.common.direction import VectorFault, direction
from services.ranker.inputs.text_encoders import ENCODER_WIDTHS
from vitrine.features.v1.item_pb2 import Item

NO_VECTORS: Final[Mapping[str, int]] = {}

_log = structlog.get_logger(__name__)


class NamedVectors:
    """An item's vectors that the model looks at, side by side in one row: by name, ascending. They are the shop's, and
    that of its text where a text encoder is among the names.

    They stand as directions (of length 1), all 0 where an item has none that fits.
    """

    def __init__(self, sizes: Mapping[str, int] = NO_VECTORS) -> None:
        self.sizes = dict(sorted(sizes.items()))
        self.width = sum(self.sizes.values())
        self.shop_sizes = {name: size for name, size in self.sizes.items() if name not in ENCODER_WIDTHS}
        self.encoder = next((name for name in self.sizes if name in ENCODER_WIDTHS), "")
        """The text encoder whose vector is among them; empty: none."""

        begin = sum(size for name, size in self.sizes.items() if name < self.encoder)
        self.text_place = slice(begin, begin + self.sizes.get(self.encoder, 0))
        """Where in a row the text's vector stands; nowhere if there is no encoder."""

        self.misfits = dict.fromkeys(self.shop_sizes, 0)
        """How many vectors were left out, by name: of another length than configured, not finite or all 0."""

    def row(self, item: Item) -> NDArray[np.float16]:
        """Returns the item's row, float16[width], with what the shop sent: the text's vector comes later."""
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
