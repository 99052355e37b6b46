"""Names of the candidates service's sources, and of the homepage's own."""

from typing import Final

BUY_AGAIN: Final = "buy_again"
CONTENT: Final = "content"
EMBEDDING: Final = "embedding"
ITEM_CF: Final = "item_cf"
NEW_ARRIVALS: Final = "new_arrivals"
ON_SALE: Final = "on_sale"
POPULAR: Final = "popular"
RECENTLY_VIEWED: Final = "recently_viewed"
SIMILAR_ITEMS: Final = "similar_items"
TRENDING: Final = "trending"
