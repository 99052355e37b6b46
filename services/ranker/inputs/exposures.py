"""How a candidate was shown, as one small number: an input of training alone.

0: nobody knows that it was; from 1 on: at the shelf's place 0, 1, …, the last of them for all places further on; then
one for an unknown place. So the least of several is the one nearest to the shelf's beginning.
"""

from typing import Final

EXPOSURES: Final = 32

NOT_SHOWN: Final = 0
SHOWN_SOMEWHERE: Final = EXPOSURES - 1


def exposure_at(position: int | None) -> int:
    """Returns the exposure of what was shown at a place of its shelf, from 0; None: the place is not known."""
    return SHOWN_SOMEWHERE if position is None else min(position + 1, SHOWN_SOMEWHERE - 1)
