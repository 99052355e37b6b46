from cli.benchmarks.catalog_changes import catalog_changes
from cli.benchmarks.complete_journey import NextBaskets
from services.common import event_types
from services.features.definitions.observation import Observation
from services.ranker.training.shop.catalog import TrainingCatalog
from services.ranker.training.shop.event_table import EventTableBuilder
from services.ranker.training.shop.replay import Attributes
from services.ranker.training.shop.shop_reader import ShopData
from vitrine.common.v1.attribute_pb2 import AttributeValue


def training_shop(data: NextBaskets) -> ShopData:
    """Returns what was bought before the cut as training reads a shop; items have the numbers from 1 on."""
    catalog = TrainingCatalog()
    catalog.apply(catalog_changes(data.items))
    builder = EventTableBuilder(catalog.item_no_of)
    columns = (data.past[name].tolist() for name in ("user", "item_no", "millis", "order"))
    for user, item_no, millis, order in zip(*columns, strict=True):
        builder.add_observation(
            f"u:{user}",
            Observation(event_types.PURCHASE, item_no, millis, f"{order}-{item_no}", order_id=str(order)),
        )
    table = builder.build()
    attributes: dict[str, Attributes] = {
        f"u:{user}": {name: AttributeValue(text=value) for name, value in values.items()}
        for user, values in data.attributes.items()
    }
    return ShopData(catalog, table, attributes, set(range(len(table.visitors))))
