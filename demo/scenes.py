import uuid
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from rich.console import Console, RenderableType

from cli.errors import CommandError
from cli.rendering.page import render_page
from demo.picture import write_picture
from demo.shop_files import ShopFiles
from demo.tastes import plainly_different
from demo.visits import Gateway, ServedPage, ShopperAction, cards_of, knows_of
from vitrine.common.v1 import visitor_pb2
from vitrine.events.v1 import event_pb2

HOUSEHOLDS = 3
VIEWS = 3
VIEWED_CATEGORY = "Dog foods"


class Scenes:
    """What the demo shows: pages of visitors of all kinds, and one that changes while its visitor clicks.

    Args:
        gateway: the shop's gateway.
        files: the shop's data, to choose households and items from.
        console: where pages are printed.
        picture: the SVG file to draw the first household's page in; None: no picture.
    """

    def __init__(self, gateway: Gateway, files: ShopFiles, console: Console, *, picture: Path | None = None) -> None:
        self._gateway = gateway
        self._files = files
        self._console = console
        self._picture = picture

    async def households(self) -> None:
        """The pages of households of plainly different tastes."""
        events = pd.read_parquet(self._files.events, columns=["user_id", "item_id"])
        items = pd.read_parquet(self._files.items, columns=["item_id", "category"])
        category = items.set_index("item_id").category
        for place, user_id in enumerate(plainly_different(events, items, HOUSEHOLDS)):
            bought = events[events.user_id == user_id].item_id.map(category).value_counts()
            taste = ", ".join(f"{str(name).lower()} {count}×" for name, count in bought.head(3).items())
            heading = f"Household {user_id}: {taste}"
            served = await self._gateway.page(visitor_pb2.Visitor(user_id=user_id))
            self._print(heading, served)
            if self._picture and place == 0:
                write_picture(self._picture, self._rendered(heading, served), title="A page of the demo shop")

    async def anonymous_with_views(self) -> None:
        """The page of an anonymous visitor who has looked at three items."""
        visitor = visitor_pb2.Visitor(anonymous_id=f"browser-{uuid.uuid4()}")
        viewed = self._best_sellers(VIEWED_CATEGORY, VIEWS)
        await self._gateway.tell(visitor, [ShopperAction(event_pb2.EVENT_TYPE_VIEW, item_id) for item_id in viewed])
        served, _ = await self._gateway.page_when(visitor, lambda page: any(knows_of(page, item) for item in viewed))
        self._print(f"Anonymous visitor after {VIEWS} views of {VIEWED_CATEGORY.lower()}", served)

    async def newcomer(self) -> float:
        """The page of a visitor whom nobody has ever seen, and the same after two views and an add_to_cart.

        Returns:
            Milliseconds from the acknowledged add_to_cart to the page that names it as a reason.
        """
        visitor = visitor_pb2.Visitor(anonymous_id=f"browser-{uuid.uuid4()}")
        first = await self._gateway.page(visitor)
        self._print("A visitor whom nobody has ever seen", first)
        cards = cards_of(first.page)
        if len(cards) < VIEWS:
            raise CommandError("the page of an unknown visitor holds too few cards to click: see `vitrine doctor`")
        *viewed, carted = cards[0], cards[len(cards) // 2], cards[-1]
        views = [ShopperAction(event_pb2.EVENT_TYPE_VIEW, card.item.item_id, card.tracking_token) for card in viewed]
        cart = ShopperAction(event_pb2.EVENT_TYPE_ADD_TO_CART, carted.item.item_id, carted.tracking_token)
        await self._gateway.tell(visitor, [*views, cart])
        served, milliseconds = await self._gateway.page_when(visitor, lambda page: knows_of(page, carted.item.item_id))
        titles = ", ".join(card.item.title for card in viewed)
        self._console.print(f"\nThey look at {titles} and put {carted.item.title} into the cart.", style="bold")
        self._console.print(f"{milliseconds:.0f} ms after that was acknowledged, their page is another:\n")
        self._print("The same visitor, a moment later", served)
        return milliseconds

    def _best_sellers(self, category: str, count: int) -> Sequence[str]:
        events = pd.read_parquet(self._files.events, columns=["item_id"])
        items = pd.read_parquet(self._files.items, columns=["item_id", "category"])
        sold = events.item_id[events.item_id.isin(items[items.category == category].item_id)]
        return list(sold.value_counts().head(count).index)

    def _print(self, heading: str, served: ServedPage) -> None:
        self._console.print()
        self._console.print(self._rendered(heading, served))

    @staticmethod
    def _rendered(heading: str, served: ServedPage) -> RenderableType:
        return render_page(served.page, heading=heading, cards=3, milliseconds=served.milliseconds)
