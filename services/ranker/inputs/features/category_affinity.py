"""The user's history with the candidate's leaf category, second-level category, brand, and variant group."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.common.feature_declaration import FeatureDeclaration
from services.common.sorted_lookup import Totals, places, values_at
from services.ranker.inputs.features.context import Context

DECLARATIONS: Final = (
    FeatureDeclaration(
        "leaf_purchases_decayed_log", "ln(1 + purchases in the candidate's leaf category, half-life 60 days).", "0"
    ),
    FeatureDeclaration("leaf_purchases_log", "ln(1 + purchases in its leaf category).", "0"),
    FeatureDeclaration(
        "leaf_days_since_purchase_log",
        "ln(1 + days since the last purchase in its leaf category).",
        "ln(1 + 730): never",
    ),
    FeatureDeclaration("leaf_repurchase_due_ratio", "Time since then over the leaf's mean interval, at most 4.", "4"),
    FeatureDeclaration("leaf_interest_log", "ln(1 + decayed interest in its leaf category).", "0"),
    FeatureDeclaration("share_of_leaf", "The candidate's share of the decayed purchases in its leaf category.", "0"),
    FeatureDeclaration(
        "second_purchases_decayed_log", "ln(1 + purchases in its second-level category, half-life 60 days).", "0"
    ),
    FeatureDeclaration(
        "second_days_since_purchase_log", "ln(1 + days since the last purchase there).", "ln(1 + 730): never"
    ),
    FeatureDeclaration("brand_purchases_decayed_log", "ln(1 + purchases of its brand, half-life 60 days).", "0"),
    FeatureDeclaration(
        "group_purchases_decayed_log", "ln(1 + purchases of its variant group, half-life 60 days).", "0"
    ),
    FeatureDeclaration(
        "group_days_since_purchase_log",
        "ln(1 + days since the last purchase of its variant group).",
        "ln(1 + 730): never",
    ),
    FeatureDeclaration("leaf_affinity_share", "Affinity to its leaf category over the greatest affinity.", "0"),
    FeatureDeclaration("root_affinity_share", "Affinity to its root category over the greatest affinity.", "0"),
    FeatureDeclaration("brand_affinity_share", "Affinity to its brand over the greatest affinity.", "0"),
)

NAMES: Final = tuple(declaration.name for declaration in DECLARATIONS)

LARGEST_DUE_RATIO: Final = 4.0


class _Kin:
    """The user's counters summed by one property of the items, looked up by the candidates'."""

    def __init__(self, context: Context, own_keys: NDArray[Any], keys: NDArray[Any]) -> None:
        self._context = context
        self._totals = Totals(own_keys)
        self._place, self._present = places(self._totals.keys, keys)

    def total(self, values: NDArray[Any]) -> NDArray[np.float64]:
        return values_at(self._totals.sums(values), self._place, self._present)

    def last(self, millis: NDArray[Any]) -> NDArray[np.float64]:
        return values_at(self._totals.greatest(millis), self._place, self._present)

    def days_since(self, millis: NDArray[Any]) -> NDArray[np.float64]:
        return self._context.days_since(self.last(millis))


def compute(context: Context) -> list[NDArray[np.float64]]:
    """Returns the columns of NAMES, each of shape (n,)."""
    user, items, own, rows = context.user, context.items, context.own_rows, context.rows
    counters = user.counters
    decayed, last = counters.decayed_purchases, counters.last_purchase_millis
    own_nodes, nodes = items.category_nos[own], items.category_nos[rows]
    own_leaves, leaves = items.leaf_nos(own), context.leaf_nos
    leaf = _Kin(context, own_leaves, leaves)
    second = _Kin(context, own_nodes[:, 1], nodes[:, 1])
    brand = _Kin(context, items.brand_nos[own], items.brand_nos[rows])
    group = _Kin(context, items.group_nos[own], items.group_nos[rows])
    leaf_decayed = leaf.total(decayed)
    leaf_days = leaf.days_since(last)
    # The leaf's mean interval from its decayed sum: a purchase every n days makes Σ 2^(-age/60) = 60 / (n ln 2).
    leaf_interval = 60.0 / np.log(2.0) / np.maximum(leaf_decayed, 0.1)
    return [
        np.log1p(leaf_decayed),
        np.log1p(leaf.total(counters.purchases)),
        np.log1p(leaf_days),
        np.minimum(leaf_days / leaf_interval, LARGEST_DUE_RATIO),
        np.log1p(leaf.total(counters.decayed_interest)),
        context.counter("decayed_purchases") / (leaf_decayed + 0.5),
        np.log1p(second.total(decayed)),
        np.log1p(second.days_since(last)),
        np.log1p(brand.total(decayed)),
        np.log1p(group.total(decayed)),
        np.log1p(group.days_since(last)),
        _share(user.category_nos, user.category_weights, leaves),
        _share(user.category_nos, user.category_weights, nodes[:, 0]),
        _share(user.brand_nos, user.brand_weights, items.brand_nos[rows]),
    ]


def _share(keys: NDArray[np.int64], weights: NDArray[np.float64], wanted: NDArray[Any]) -> NDArray[np.float64]:
    """Returns each wanted one's weight over the greatest, which for categories is a root's."""
    place, present = places(keys, wanted)
    return values_at(weights, place, present) / (float(weights.max(initial=0.0)) + 1.0)
