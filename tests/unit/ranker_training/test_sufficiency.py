from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.common.errors import FailedPreconditionError
from services.common.progress import NoProgress
from services.ranker.training.job import train_on
from services.ranker.training.plan import TrainingPlan
from services.ranker.training.publishing.publisher import Publisher
from services.ranker.training.shop.shop_reader import ShopData
from tests.support.training_shop import END, event_table, purchase, training_catalog

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def shop_of(log: list[tuple[str, object]], items: int = 60) -> ShopData:
    catalog = training_catalog(items)
    table = event_table(log, catalog)  # type: ignore[arg-type]
    return ShopData(catalog, table, {}, set(range(len(table.visitors))))


@pytest.mark.parametrize(
    ("shop", "message"),
    [
        (shop_of([], items=0), "the catalog has 0 items.* at least 2 items"),
        (shop_of([]), "the log has no events .* at least events"),
        (shop_of([("u:0", purchase(1, END))]), "events of 1 users; .* at least 2 users"),
        (shop_of([(f"u:{n}", purchase(n, END - n)) for n in (1, 2)]), "1 visits to train on; .* at least 10 visits"),
    ],
    ids=["no items", "no events", "one user", "two events"],
)
def test_too_little_data_is_refused_and_nothing_published(shop: ShopData, message: str, tmp_path: Path) -> None:
    with pytest.raises(FailedPreconditionError, match=message) as refusal:
        train_on(shop, TrainingPlan(), Publisher(tmp_path, NOW), NoProgress(), {})
    assert refusal.value.reason == "NOT_ENOUGH_DATA"
    assert "vitrine import" in str(refusal.value)
    assert list(tmp_path.iterdir()) == []
