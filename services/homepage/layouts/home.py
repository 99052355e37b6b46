from typing import Final

from services.homepage.layouts.layout import Layout, ShelfDefinition
from vitrine.homepage.v1 import page_pb2

# Shelves choose in this order: the feed takes the best of all first, and what stands on one shelf stands on no other.
HOME: Final = Layout(
    name="home",
    shelves=(
        ShelfDefinition(
            page_pb2.SHELF_KIND_PICKED_FOR_YOU, "PickedForYouSelector", minimum_cards=1, place=0, feed=True
        ),
        ShelfDefinition(page_pb2.SHELF_KIND_BECAUSE_YOU, "BecauseYouSelector", place=1),
        ShelfDefinition(page_pb2.SHELF_KIND_BUY_AGAIN, "BuyAgainSelector", minimum_cards=3),
        ShelfDefinition(page_pb2.SHELF_KIND_RECENTLY_VIEWED, "RecentlyViewedSelector", minimum_cards=3),
        ShelfDefinition(page_pb2.SHELF_KIND_POPULAR, "PopularSelector"),
        ShelfDefinition(page_pb2.SHELF_KIND_NEW_ARRIVALS, "NewArrivalsSelector"),
        ShelfDefinition(page_pb2.SHELF_KIND_ON_SALE, "OnSaleSelector"),
        ShelfDefinition(page_pb2.SHELF_KIND_TRENDING, "TrendingSelector"),
        ShelfDefinition(page_pb2.SHELF_KIND_CATEGORY_NAVIGATION, "CategoryNavigationSelector", place=2),
        ShelfDefinition(page_pb2.SHELF_KIND_CATEGORY, "CategorySelector", count=2),
    ),
)
