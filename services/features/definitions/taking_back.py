"""Which deed an event takes back: the rules that the contract of EventType states."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from services.common import event_types

DONE: Final = frozenset({event_types.FAVORITE, event_types.ADD_TO_CART, event_types.PURCHASE})
"""What can be taken back."""

TAKES_BACK: Final = frozenset({event_types.UNFAVORITE, event_types.REMOVE_FROM_CART, event_types.REFUND})

_RANKS: Final = dict.fromkeys(TAKES_BACK, 2) | {event_types.PURCHASE: 1}
"""Of one millisecond: what is put into the cart is bought after that, and what takes back comes last."""

_NOTHING: Final = 1e-9
"""A smaller part of a quantity than this is what sums of fractions leave behind."""


class Deed(NamedTuple):
    """One thing that a user did to one item."""

    kind: int
    """An EventType of DONE or TAKES_BACK."""

    millis: int
    tie: int
    quantity: float
    order: int
    """The order's hash; 0: none is named."""


def standing_shares(deeds: Sequence[Deed]) -> list[float]:
    """Returns how much of each deed on one item still stands, 0 to 1; 0 for those that take back.

    Depends on what the deeds are and not on their order. A FAVORITE stands until the next mark, an UNFAVORITE or
    another FAVORITE. A REMOVE_FROM_CART takes its quantity from the additions before it that were not bought since, the
    newest first. A REFUND takes its quantity from the purchases of its order, whenever they were, and then from
    purchases before it that name no order; one that names no order takes from any purchase before it; the newest first.
    What finds nothing takes nothing back.
    """
    places = sorted(range(len(deeds)), key=lambda place: _time_of(deeds[place]))
    left = [deed.quantity if deed.kind in DONE else 0.0 for deed in deeds]
    _settle_favorites(deeds, places, left)
    _settle_carts(deeds, places, left)
    _settle_purchases(deeds, places, left)
    return [
        rest / deed.quantity if rest > _NOTHING * deed.quantity else 0.0 for rest, deed in zip(left, deeds, strict=True)
    ]


def _time_of(deed: Deed) -> tuple[int, int, int, float, int]:
    return deed.millis, _RANKS.get(deed.kind, 0), deed.tie, deed.quantity, deed.order


def _settle_favorites(deeds: Sequence[Deed], places: Sequence[int], left: list[float]) -> None:
    mark: int | None = None
    for place in places:
        kind = deeds[place].kind
        if kind in {event_types.FAVORITE, event_types.UNFAVORITE}:
            if mark is not None:
                left[mark] = 0.0
            mark = place if kind == event_types.FAVORITE else None


def _settle_carts(deeds: Sequence[Deed], places: Sequence[int], left: list[float]) -> None:
    additions: list[int] = []
    for place in places:
        kind = deeds[place].kind
        if kind == event_types.ADD_TO_CART:
            additions.append(place)
        elif kind == event_types.PURCHASE:
            additions.clear()
        elif kind == event_types.REMOVE_FROM_CART:
            _take(deeds[place].quantity, additions, left)


def _settle_purchases(deeds: Sequence[Deed], places: Sequence[int], left: list[float]) -> None:
    purchases = [place for place in places if deeds[place].kind == event_types.PURCHASE]
    refunds = [deeds[place] for place in places if deeds[place].kind == event_types.REFUND]
    for refund in (refund for refund in refunds if refund.order):
        rest = _take(refund.quantity, [place for place in purchases if deeds[place].order == refund.order], left)
        _take(rest, _before(refund, [place for place in purchases if not deeds[place].order], deeds), left)
    for refund in (refund for refund in refunds if not refund.order):
        _take(refund.quantity, _before(refund, purchases, deeds), left)


def _before(refund: Deed, purchases: Sequence[int], deeds: Sequence[Deed]) -> list[int]:
    return [place for place in purchases if deeds[place].millis <= refund.millis]


def _take(quantity: float, places: Sequence[int], left: list[float]) -> float:
    """Takes a quantity from the last of `places` first; returns what was not there."""
    for place in reversed(places):
        taken = min(quantity, left[place])
        left[place] -= taken
        quantity -= taken
        if quantity <= 0.0:
            break
    return quantity
