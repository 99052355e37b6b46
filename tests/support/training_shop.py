"""A shop whose shoppers have habits that a model can find: small enough to train on in seconds."""

from collections.abc import Mapping
from datetime import UTC, datetime
from random import Random

from services.features.definitions.observation import Observation
from services.ranker.training.shop.catalog import TrainingCatalog
from services.ranker.training.shop.event_table import EventTable, EventTableBuilder
from services.ranker.training.shop.shop_reader import ShopData
from vitrine.common.v1.attribute_pb2 import AttributeValue
from vitrine.events.v1.event_pb2 import EVENT_TYPE_IMPRESSION, EVENT_TYPE_PURCHASE
from vitrine.features.v1.catalog_service_pb2 import CatalogChange
from vitrine.features.v1.item_pb2 import Item

DAY = 86_400_000
END = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp() * 1000)
WEEKS = 12
CATEGORIES = 6
ITEMS = 60


def catalog_change(item_no: int, *, price: float | None = 2.0, **options: object) -> CatalogChange:
    """An item of the test's catalog: its category is what its number says."""
    leaf = 10 + item_no % CATEGORIES
    change = CatalogChange(
        version=item_no,
        item_no=item_no,
        item_id=f"item-{item_no}",
        item=Item(item_id=f"item-{item_no}", price=price, **options),  # type: ignore[arg-type]
        group_no=item_no,
        brand_no=1 + item_no % 4,
        category_nos=[1, 2, leaf],
    )
    change.item.available_from_time.FromMilliseconds(END - 400 * DAY)
    return change


def training_catalog(items: int = ITEMS) -> TrainingCatalog:
    """A catalog of items 1 to `items`."""
    catalog = TrainingCatalog()
    catalog.apply([catalog_change(item_no, price=1.0 + item_no % 7) for item_no in range(1, items + 1)])
    return catalog


def purchase(item_no: int, millis: int, event_id: str = "") -> Observation:
    """A purchase of one."""
    return Observation(EVENT_TYPE_PURCHASE, item_no, millis, event_id or f"{item_no}-{millis}", unit_price=2.0)


def habits(users: int = 30, weeks: int = WEEKS, seed: int = 5) -> list[tuple[str, Observation]]:
    """Visitor keys and purchases: every week each user buys most of four favorites of one category, and something."""
    random = Random(seed)
    log = []
    for user in range(users):
        mine = [item for item in range(1, ITEMS + 1) if item % CATEGORIES == user % CATEGORIES]
        favorites = random.sample(mine, 4)
        for week in range(weeks):
            millis = END - (weeks - week) * 7 * DAY + user % 7 * DAY + 1_000 * user
            basket = {item for item in favorites if random.random() < 0.8} | {random.randint(1, ITEMS)}
            log += [(f"u:{user}", purchase(item, millis, f"{user}-{week}-{item}")) for item in sorted(basket)]
    return log


def impression(item_no: int, millis: int, event_id: str = "") -> Observation:
    """A card with the item on the screen."""
    return Observation(EVENT_TYPE_IMPRESSION, item_no, millis, event_id or f"shown-{item_no}-{millis}")


def event_table(log: list[tuple[str, Observation]], catalog: TrainingCatalog) -> EventTable:
    """The log as training reads it."""
    builder = EventTableBuilder(catalog.item_no_of)
    for visitor, observation in log:
        builder.add_observation(visitor, observation)
    return builder.build()


def training_shop(users: int = 30, weeks: int = WEEKS) -> ShopData:
    """The shop with its users' regions."""
    catalog = training_catalog()
    table = event_table(habits(users, weeks), catalog)
    attributes: dict[str, Mapping[str, AttributeValue]] = {
        key: {"region": AttributeValue(text="north")} for key in table.visitors[::2]
    }
    return ShopData(catalog, table, attributes, set(range(len(table.visitors))))
