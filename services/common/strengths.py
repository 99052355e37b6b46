"""How much each action says of a user's taste: the one table for features, candidate jobs and the model."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import numpy as np

from services.common import event_types

STRENGTHS: Final[Mapping[int, float]] = MappingProxyType(
    {
        event_types.VIEW: 1.0,
        event_types.CLICK: 1.0,
        event_types.WATCH: 1.0,  # times the fraction watched
        event_types.FAVORITE: 3.0,
        event_types.SHARE: 3.0,
        event_types.ADD_TO_CART: 4.0,
        event_types.PURCHASE: 5.0,
        # These take back what was done before.
        event_types.UNFAVORITE: -3.0,
        event_types.REMOVE_FROM_CART: -4.0,
        event_types.REFUND: -5.0,
    }
)
"""Strength by EventType. Types that are not named (search, impression, dislike, follow) say nothing for an item."""

STRENGTH_UNIT: Final = "strength: a view weighs 1, a favorite or share 3, an addition to the cart 4, a purchase 5"
"""How feature declarations describe a sum of strengths."""

STRENGTH_BY_TYPE: Final = np.array([STRENGTHS.get(number, 0.0) for number in range(256)])
"""The same for columns of events: element i is the strength of EventType i."""


def strength_of(event_type: int, watched_fraction: float | None = None) -> float:
    """Returns what one event says for its item.

    A watch weighs the fraction watched; one whose fraction is not known weighs as much as a view.
    """
    strength = STRENGTHS.get(event_type, 0.0)
    if event_type == event_types.WATCH and watched_fraction is not None:
        return strength * watched_fraction
    return strength
