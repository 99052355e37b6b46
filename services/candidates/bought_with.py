from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.candidates.eligibility import Eligibility
from services.candidates.proposals import best
from services.candidates.sources.inputs import Inputs


@dataclass(frozen=True, slots=True)
class BoughtWith:
    """What is bought together with some items, in columns, the greatest lift first.

    `lifts` are above 1; `buyers` counts the distinct users who bought it together with the item in `with_item_nos`,
    the one of the basket that gives it the greatest lift.
    """

    item_nos: NDArray[np.uint32]
    lifts: NDArray[np.float32]
    buyers: NDArray[np.uint32]
    with_item_nos: NDArray[np.uint32]


def bought_with(inputs: Inputs, basket: NDArray[np.uint32], eligibility: Eligibility, limit: int) -> BoughtWith:
    """Returns the `limit` items of the greatest lift with any item of `basket` (distinct item numbers).

    Never an item of the basket nor a variant of one.
    """
    table = inputs.bought_together.value
    if table is None:
        nothing = np.zeros(0, np.uint32)
        return BoughtWith(nothing, np.zeros(0, np.float32), nothing, nothing)
    owners, positions = table.positions_of(basket, inputs.settings.minimum_users)
    # The greatest lift of an item comes first and is the one that unique keeps.
    order = np.argsort(-table.similarities[positions], kind="stable")
    owners, positions = owners[order], positions[order]
    item_nos, first = np.unique(table.neighbors[positions], return_index=True)
    groups = inputs.columns.group_nos[basket]
    fit = eligibility.admits(item_nos) & ~np.isin(item_nos, basket)
    fit &= ~np.isin(inputs.columns.group_nos[np.where(fit, item_nos, 0)], groups[groups > 0])
    made = best(item_nos[fit], table.similarities[positions[first[fit]]], limit)
    chosen = first[np.searchsorted(item_nos, made.item_nos)]
    return BoughtWith(
        item_nos=made.item_nos,
        lifts=np.exp(made.scores),
        buyers=table.supports[positions[chosen]],
        with_item_nos=basket[owners[chosen]],
    )
