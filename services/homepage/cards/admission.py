"""The last check of a card: its item's current data decides."""

from dataclasses import dataclass, field
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

from services.homepage.cards.item_matching import matches
from vitrine.common.v1.item_filter_pb2 import ItemFilter
from vitrine.features.v1.item_pb2 import Item, ItemKind

_PRODUCT_KINDS: Final = frozenset({ItemKind.ITEM_KIND_UNSPECIFIED, ItemKind.ITEM_KIND_PRODUCT})


@dataclass(frozen=True, slots=True)
class Admission:
    """Which items may be on a page, at one time, for one visitor and one request."""

    now_millis: int
    visitor_age: int | None = None
    item_filter: ItemFilter | None = None
    excluded_item_ids: frozenset[str] = field(default_factory=frozenset)
    excluded_group_id: str = ""

    def refusal(self, item: Item) -> str:
        """Returns the stable reason why `item` may not be shown; empty if it may."""
        return self._state_refusal(item) or self._request_refusal(item)

    def _state_refusal(self, item: Item) -> str:
        if item.hidden:
            return "HIDDEN"
        if item.HasField("stock") and item.stock <= 0:
            return "OUT_OF_STOCK"
        if item.kind in _PRODUCT_KINDS and not item.HasField("price"):
            return "NO_PRICE"
        if item.HasField("available_from_time") and _millis(item.available_from_time) > self.now_millis:
            return "NOT_YET_AVAILABLE"
        if item.HasField("available_until_time") and _millis(item.available_until_time) <= self.now_millis:
            return "NO_LONGER_AVAILABLE"
        if item.minimum_age > (self.visitor_age or 0):
            return "AGE_NOT_KNOWN" if self.visitor_age is None else "TOO_YOUNG"
        return ""

    def _request_refusal(self, item: Item) -> str:
        if item.item_id in self.excluded_item_ids:
            return "EXCLUDED_BY_REQUEST"
        if self.excluded_group_id and item.group_id == self.excluded_group_id:
            return "VARIANT_OF_THE_ITEM"
        if self.item_filter is not None and not matches(item, self.item_filter):
            return "FILTERED_BY_REQUEST"
        return ""


def _millis(timestamp: Timestamp) -> int:
    return timestamp.seconds * 1000 + timestamp.nanos // 1_000_000
