"""Parts of the users, and of what they bought, that are looked at apart: a good mean can hide whom it is bad for."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from cli.evaluation.shop_view import ShopView
from services.common.timestamps import to_millis

SMALLEST: Final = 20
"""Groups of fewer users say nothing and can give people away; they are left out."""

MOST_GROUPS: Final = 24
NEW_ITEM_AGE: Final = timedelta(days=30)

Baskets = Mapping[str, frozenset[int]]


@dataclass(frozen=True, slots=True)
class Segment:
    """What some users took up. `kind` groups segments that belong together: "history", "items", "age_band"."""

    kind: str
    name: str
    baskets: Baskets


def segments_of(shop: ShopView, baskets: Baskets, begin: datetime) -> list[Segment]:
    """Returns the segments that are large enough: users by how much they bought before, new items, and groups by what
    the shop says of its users.
    """
    found = [*_by_history(shop, baskets), _new_items(shop, baskets, begin), *_by_attributes(shop, baskets)]
    return [segment for segment in found if len(segment.baskets) >= SMALLEST]


def _by_history(shop: ShopView, baskets: Baskets) -> list[Segment]:
    """New users bought nothing before, light ones no more than the median of the others, heavy ones more."""
    bought = {user: sum(shop.users[user].counters.purchase_counts) for user in baskets}
    median = float(np.median([count for count in bought.values() if count] or [0]))
    parts: dict[str, dict[str, frozenset[int]]] = {"new users": {}, "light users": {}, "heavy users": {}}
    for user, basket in baskets.items():
        count = bought[user]
        parts["new users" if not count else "light users" if count <= median else "heavy users"][user] = basket
    return [Segment("history", name, part) for name, part in parts.items()]


def _new_items(shop: ShopView, baskets: Baskets, begin: datetime) -> Segment:
    """What of the baskets came into the shop within the last 30 days, or was bought by nobody before."""
    items = shop.catalog.items
    since = to_millis(begin - NEW_ITEM_AGE)

    def is_new(item_no: int) -> bool:
        return item_no > 0 and (items.available_millis[item_no] >= since or items.buyer_counts[item_no] == 0)

    fresh = {user: frozenset(filter(is_new, basket)) for user, basket in baskets.items()}
    return Segment("items", "new items", {user: basket for user, basket in fresh.items() if basket})


def _by_attributes(shop: ShopView, baskets: Baskets) -> list[Segment]:
    groups: dict[tuple[str, str], dict[str, frozenset[int]]] = defaultdict(dict)
    for user, basket in baskets.items():
        for name, value in shop.users[user].attributes.items():
            if value.WhichOneof("value") == "text" and value.text:
                groups[name, value.text][user] = basket
    largest = sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))[:MOST_GROUPS]
    return [Segment(kind, name, part) for (kind, name), part in sorted(largest)]
