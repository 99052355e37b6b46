"""Which action an event takes back: the rules that the contract of EventType states."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from services.common import event_types

REVERSIBLE: Final = frozenset({event_types.FAVORITE, event_types.ADD_TO_CART, event_types.PURCHASE})
"""What can be taken back."""

REVERSALS: Final = frozenset({event_types.UNFAVORITE, event_types.REMOVE_FROM_CART, event_types.REFUND})

_RANKS: Final = dict.fromkeys(REVERSALS, 2) | {event_types.PURCHASE: 1}
"""Of one millisecond: what is put into the cart is bought after that, and reversals come last."""

_NOTHING: Final = 1e-9
"""A smaller part of a quantity than this is what sums of fractions leave behind."""


class Action(NamedTuple):
    """One thing that a user did to one item."""

    kind: int
    """An EventType of REVERSIBLE or REVERSALS."""

    millis: int
    tie: int
    quantity: float
    order: int
    """The order's hash; 0: none is named."""


class Taking(NamedTuple):
    """How much of an action a reversal takes back. Both are indexes into the list of actions."""

    reversal: int
    action: int
    quantity: float


class Settlement(NamedTuple):
    """What is left of the actions on one item."""

    shares: list[float]
    """How much of each still counts, 0 to 1; 0 for reversals."""

    takings: list[Taking]


def net_shares(actions: Sequence[Action]) -> list[float]:
    """Returns how much of each action on one item still counts, 0 to 1; 0 for reversals. See `settle`."""
    return settle(actions).shares


def settle(actions: Sequence[Action]) -> Settlement:
    """Returns what is left of each action on one item, and which reversal took the rest.

    Depends on what the actions are and not on their order. A FAVORITE counts until the next mark, an UNFAVORITE or
    another FAVORITE. A REMOVE_FROM_CART takes its quantity from the additions before it that were not bought since, the
    newest first. A REFUND takes its quantity from the purchases of its order, whenever they were, and then from
    purchases before it that name no order; one that names no order takes from any purchase before it; the newest first.
    What finds nothing takes nothing back. Takes O(n log n) for n actions.
    """
    places = sorted(range(len(actions)), key=lambda place: _time_of(actions[place]))
    left = [action.quantity if action.kind in REVERSIBLE else 0.0 for action in actions]
    takings: list[Taking] = []
    _settle_favorites(actions, places, left)
    _settle_carts(actions, places, left, takings)
    _settle_purchases(actions, places, left, takings)
    shares = [
        rest / action.quantity if rest > _NOTHING * action.quantity else 0.0
        for rest, action in zip(left, actions, strict=True)
    ]
    return Settlement(shares, takings)


def _time_of(action: Action) -> tuple[int, int, int, float, int]:
    return action.millis, _RANKS.get(action.kind, 0), action.tie, action.quantity, action.order


def _settle_favorites(actions: Sequence[Action], places: Sequence[int], left: list[float]) -> None:
    mark: int | None = None
    for place in places:
        kind = actions[place].kind
        if kind in {event_types.FAVORITE, event_types.UNFAVORITE}:
            if mark is not None:
                left[mark] = 0.0
            mark = place if kind == event_types.FAVORITE else None


def _settle_carts(actions: Sequence[Action], places: Sequence[int], left: list[float], takings: list[Taking]) -> None:
    additions: list[int] = []
    for place in places:
        kind = actions[place].kind
        if kind == event_types.ADD_TO_CART:
            additions.append(place)
        elif kind == event_types.PURCHASE:
            additions.clear()
        elif kind == event_types.REMOVE_FROM_CART:
            _take(place, actions[place].quantity, additions, left, takings)


def _settle_purchases(
    actions: Sequence[Action], places: Sequence[int], left: list[float], takings: list[Taking]
) -> None:
    by_order: dict[int, list[int]] = {}
    for place in places:
        if actions[place].kind == event_types.PURCHASE:
            by_order.setdefault(actions[place].order, []).append(place)
    for refunds_name_an_order in (True, False):
        before: list[int] = []
        for place in places:
            action = actions[place]
            if action.kind == event_types.PURCHASE and not (refunds_name_an_order and action.order):
                before.append(place)
            elif action.kind == event_types.REFUND and bool(action.order) == refunds_name_an_order:
                quantity = action.quantity
                if action.order:
                    quantity = _take(place, quantity, by_order.get(action.order, []), left, takings)
                _take(place, quantity, before, left, takings)


def _take(reversal: int, quantity: float, stack: list[int], left: list[float], takings: list[Taking]) -> float:
    """Takes a quantity from the top of the stack of actions, and pops those of which nothing is left.

    Returns what was not there.
    """
    while stack and quantity > 0.0:
        place = stack[-1]
        taken = min(quantity, left[place])
        left[place] -= taken
        quantity -= taken
        if taken > 0.0:
            takings.append(Taking(reversal, place, taken))
        if left[place] <= 0.0:
            stack.pop()
    return quantity
