from typing import Final

from services.homepage.layouts.layout import Layout, ShelfDefinition
from vitrine.homepage.v1 import page_pb2

# For pages with only the endless feed, such as the end of an article or an order.
FEED: Final = Layout(
    name="feed",
    shelves=(
        ShelfDefinition(
            page_pb2.SHELF_KIND_PICKED_FOR_YOU,
            "PickedForYouSelector",
            minimum_cards=1,
            maximum_cards=24,
            place=0,
            feed=True,
        ),
    ),
)
