"""How a candidate was shown, as one small number: an input used only in training.

0: not known to be shown; from 1: at position 0, 1, … of its shelf, the last for all positions beyond; then one for an
unknown position. So the minimum of several is the one nearest to the start of the shelf.
"""

from typing import Final

EXPOSURES: Final = 32

NOT_SHOWN: Final = 0
SHOWN_SOMEWHERE: Final = EXPOSURES - 1


def exposure_at(position: int | None) -> int:
    """Returns the exposure of an item shown at a position of its shelf, from 0; None if the position is unknown."""
    return SHOWN_SOMEWHERE if position is None else min(position + 1, SHOWN_SOMEWHERE - 1)
