"""A shop that fakes of the other services share: items, categories, and what one visitor did."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from vitrine.common.v1.category_pb2 import CategoryPath
from vitrine.features.v1.catalog_service_pb2 import CatalogItem, Category
from vitrine.features.v1.item_pb2 import Item, ItemKind
from vitrine.features.v1.user_features_pb2 import UserFeatures

ROOTS = ("FOOD", "HOME")
SHELVES = ("CHEESE", "BREAD", "LAMPS", "TOWELS")

# Two roots, two shelves in each, three leaves in each shelf: numbers by path.
NODES: Final[dict[tuple[str, ...], int]] = {
    **{(root,): 1 + place for place, root in enumerate(ROOTS)},
    **{(ROOTS[place // 2], shelf): 10 + place for place, shelf in enumerate(SHELVES)},
    **{
        (ROOTS[place // 2], shelf, f"{shelf} {leaf}"): 100 + 10 * place + leaf
        for place, shelf in enumerate(SHELVES)
        for leaf in range(3)
    },
}


@dataclass
class FakeShop:
    """Items by number; `users` by id; what the candidates service proposes by source."""

    items: dict[int, Item] = field(default_factory=dict)
    users: dict[str, UserFeatures] = field(default_factory=dict)
    proposals: dict[str, list[int]] = field(default_factory=dict)
    evidence: dict[tuple[str, int], int] = field(default_factory=dict)

    def number_of(self, item_id: str) -> int:
        """Returns the number of an item; 0 where there is none."""
        return next((number for number, item in self.items.items() if item.item_id == item_id), 0)

    @staticmethod
    def category_no(item: Item) -> int:
        """Returns the number of the item's main category."""
        names = tuple(item.category_paths[0].names) if item.category_paths else ()
        return NODES.get(names, 0)

    def catalog_item(self, number: int) -> CatalogItem:
        """Returns the catalog's entry."""
        return CatalogItem(item_no=number, item=self.items[number])

    def categories(self) -> list[Category]:
        """Returns the tree with its counts."""
        counts = Counter(
            tuple(path.names[:depth])
            for item in self.items.values()
            for path in item.category_paths
            for depth in range(1, len(path.names) + 1)
        )
        return [
            Category(
                category_no=number,
                path=CategoryPath(names=names),
                parent_category_no=NODES.get(names[:-1], 0),
                item_count=counts[names],
            )
            for names, number in NODES.items()
        ]


def make_item(number: int, **changes: object) -> Item:
    """Returns a product that may be shown, in one of twelve leaf categories."""
    shelf = (number // 3) % 4
    item = Item(
        item_id=f"item-{number}",
        kind=ItemKind.ITEM_KIND_PRODUCT,
        title=f"Item {number}",
        brand="National" if number % 2 else "Private",
        price=1.0 + number % 50,
        currency_code="EUR",
        category_paths=[CategoryPath(names=[ROOTS[shelf // 2], SHELVES[shelf], f"{SHELVES[shelf]} {number % 3}"])],
        url=f"https://shop.example/{number}",
    )
    for name, value in changes.items():
        setattr(item, name, value)
    return item


def filled_shop(count: int = 400) -> FakeShop:
    """Returns a shop of `count` items whose candidates service proposes popular, new and reduced ones."""
    shop = FakeShop(items={number: make_item(number) for number in range(1, count + 1)})
    for number in range(201, min(261, count + 1)):
        shop.items[number].list_price = shop.items[number].price + 1
    shop.proposals = {
        "popular": [number for number in range(1, 161) if number <= count],
        "new_arrivals": [number for number in range(161, 201) if number <= count],
        "on_sale": [number for number in range(201, 261) if number <= count],
    }
    return shop
