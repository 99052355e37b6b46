from typing import Final

from services.common.item_state import REDUCED
from services.homepage.layouts.layout import Layout, ShelfDefinition, SourceShelf
from services.homepage.source_names import BUY_AGAIN, NEW_ARRIVALS, ON_SALE, POPULAR, RECENTLY_VIEWED, TRENDING
from vitrine.homepage.v1 import page_pb2, reason_pb2

# Shelves choose in this order: the feed takes the best of all first, and no item is on two shelves.
HOME: Final = Layout(
    name="home",
    shelves=(
        ShelfDefinition(
            page_pb2.SHELF_KIND_PICKED_FOR_YOU, "PickedForYouSelector", minimum_cards=1, place=0, feed=True
        ),
        ShelfDefinition(page_pb2.SHELF_KIND_BECAUSE_YOU, "BecauseYouSelector", place=1),
        ShelfDefinition(
            page_pb2.SHELF_KIND_BUY_AGAIN,
            "BuyAgainSelector",
            SourceShelf(BUY_AGAIN, reason_pb2.REASON_KIND_YOU_BUY_REGULARLY, personal=True),
            minimum_cards=3,
        ),
        ShelfDefinition(
            page_pb2.SHELF_KIND_RECENTLY_VIEWED,
            "RecentlyViewedSelector",
            SourceShelf(
                RECENTLY_VIEWED,
                reason_pb2.REASON_KIND_YOU_VIEWED_THIS,
                leads_cards=True,
                personal=True,
                source_order=True,
            ),
            minimum_cards=3,
        ),
        ShelfDefinition(
            page_pb2.SHELF_KIND_POPULAR, "PopularSelector", SourceShelf(POPULAR, reason_pb2.REASON_KIND_POPULAR)
        ),
        ShelfDefinition(
            page_pb2.SHELF_KIND_NEW_ARRIVALS,
            "NewArrivalsSelector",
            SourceShelf(NEW_ARRIVALS, reason_pb2.REASON_KIND_NEW, leads_cards=True),
        ),
        ShelfDefinition(
            page_pb2.SHELF_KIND_ON_SALE,
            "OnSaleSelector",
            SourceShelf(ON_SALE, reason_pb2.REASON_KIND_ON_SALE, leads_cards=True, state_flag=REDUCED),
        ),
        ShelfDefinition(
            page_pb2.SHELF_KIND_TRENDING,
            "TrendingSelector",
            SourceShelf(TRENDING, reason_pb2.REASON_KIND_TRENDING, leads_cards=True),
        ),
        ShelfDefinition(page_pb2.SHELF_KIND_CATEGORY_NAVIGATION, "CategoryNavigationSelector", place=2),
        ShelfDefinition(page_pb2.SHELF_KIND_CATEGORY, "CategorySelector", count=2),
    ),
)
