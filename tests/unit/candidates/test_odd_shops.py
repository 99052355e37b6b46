"""Logs and catalogs that no shop should have, and some do."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from services.candidates.artifacts.group_tastes import GroupTastes
from services.candidates.artifacts.neighbors import Neighbors
from services.candidates.artifacts.repeats import Repeats
from services.candidates.artifacts.user_ratings import UserRatings
from services.candidates.job_settings import NeighborSettings, Similarity
from services.candidates.jobs.compute import compute
from services.candidates.jobs.events import Events
from services.candidates.settings import CandidatesSettings
from services.candidates.sources.registry import SOURCES, make_sources
from services.common.progress import NoProgress
from tests.support.candidates_shop import Shop, viewed
from tests.support.shop_events import events_of
from vitrine.common.v1.category_pb2 import CategoryPath
from vitrine.common.v1.item_filter_pb2 import ItemFilter
from vitrine.features.v1.user_features_pb2 import UserFeatures

HOUR = 3_600_000
DAY = 24 * HOUR
ITEMS = 3_000
LOADERS = {
    Neighbors.ARTIFACT: Neighbors.load,
    Neighbors.NEXT_ITEMS: Neighbors.load,
    Neighbors.BOUGHT_TOGETHER: Neighbors.load,
    UserRatings.ARTIFACT: UserRatings.load,
    GroupTastes.ARTIFACT: GroupTastes.load,
    Repeats.ARTIFACT: Repeats.load,
}

Row = tuple[int, int, int]
ONE_USER: Sequence[Row] = [(7, 1 + number % 20, number * HOUR) for number in range(60)]
ONE_ITEM: Sequence[Row] = [(user, 1, day * DAY) for user in range(60) for day in range(3)]
CROWD: Sequence[Row] = [(user, 1 + (user + step) % 30, step * DAY) for user in range(60) for step in range(8)]
GLUTTON: Sequence[Row] = [(999, 1 + number % ITEMS, number * 1000) for number in range(100_000)]
BY_EVERYONE: Sequence[Row] = [(user, 30, 9 * DAY) for user in range(60)]


@pytest.fixture(scope="module")
def catalog() -> Shop:
    shop = Shop()
    for item_no in range(1, ITEMS + 1):
        shop.put(item_no)
    return shop


def tables(shop: Shop, events: Events, folder: Path, similarity: Similarity = Similarity.COSINE) -> dict[str, object]:
    """All that is computed, saved and loaded by the service's own checks."""
    columns = shop.inputs.columns
    digests = {item_no: int(columns.digests[item_no]) for item_no in range(1, ITEMS + 1)}
    groups = {int(user): (("region", "north"),) for user in np.unique(events.users)}
    settings = CandidatesSettings(minimum_users=1, neighbors=NeighborSettings(similarity=similarity))
    loaded = {}
    for made in compute(events, groups, digests, settings, NoProgress()):
        (folder / made.name).mkdir()
        made.save(folder / made.name)
        loaded[made.name] = LOADERS[made.name](folder / made.name, columns)
        assert made.quality is None or 0 <= made.quality <= 1
    return loaded


@pytest.mark.parametrize("similarity", list(Similarity))
@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], set()),
        ([(1, 1, 0)], set()),
        (ONE_USER, {"next_items", "user_ratings", "repeats"}),
        (ONE_ITEM, {"group_tastes", "repeats"}),
        ([*CROWD, *BY_EVERYONE], {"neighbors", "next_items", "user_ratings", "group_tastes"}),
        ([*CROWD, *GLUTTON], {"neighbors", "next_items", "user_ratings", "group_tastes", "repeats"}),
    ],
    ids=["nothing", "one-event", "one-user", "one-item", "an-item-of-everyone", "a-user-of-100000-events"],
)
def test_every_table_that_can_be_made_is_made_and_loads(
    catalog: Shop, tmp_path: Path, rows: Sequence[Row], expected: set[str], similarity: Similarity
) -> None:
    made = set(tables(catalog, events_of(rows), tmp_path, similarity))
    if similarity is Similarity.PEARSON:  # ratings that differ by age alone may leave no item varied
        made, expected = made - {"neighbors"}, expected - {"neighbors"}
    assert expected <= made
    if len(rows) < 2:
        assert made == set()


def test_what_was_all_taken_back_is_nothing(catalog: Shop, tmp_path: Path) -> None:
    bought = events_of(CROWD, bought=False)
    back = Events(bought.users, bought.items, -bought.strengths, bought.millis, bought.orders, bought.bought)
    both = [np.concatenate([getattr(bought, name), getattr(back, name)]) for name in bought.__slots__]
    assert set(tables(catalog, Events(*both), tmp_path)) <= {"next_items"}  # who turned to what did so


def test_constant_ratings_vary_nothing(catalog: Shop, tmp_path: Path) -> None:
    events = events_of([(user, item, 0) for user in range(20) for item in range(1, 6)])
    assert "neighbors" not in tables(catalog, events, tmp_path, Similarity.PEARSON)


def test_the_glutton_does_not_decide_what_goes_with_what(catalog: Shop, tmp_path: Path) -> None:
    """Others' pairs are what they were, but for the users behind them, of whom there is one more at the most."""
    (tmp_path / "without").mkdir()
    (tmp_path / "with").mkdir()
    without = tables(catalog, events_of(CROWD), tmp_path / "without")["neighbors"]
    table = tables(catalog, events_of([*CROWD, *GLUTTON]), tmp_path / "with")["neighbors"]
    assert isinstance(without, Neighbors)
    assert isinstance(table, Neighbors)
    before, after = (
        {
            (int(owner), int(neighbor)): int(users)
            for owner, neighbor, users in zip(
                np.repeat(one.item_nos, np.diff(one.starts)), one.neighbors, one.supports, strict=True
            )
        }
        for one in (without, table)
    )
    assert before.keys() <= after.keys()
    assert all(0 <= after[pair] - users <= 1 for pair, users in before.items())


@pytest.mark.parametrize("source", list(SOURCES))
async def test_a_shop_without_any_price_proposes_nothing(source: str) -> None:
    """What has no price cannot be sold, and is not shown."""
    shop = Shop()
    for item_no in range(1, 6):
        shop.put(item_no, price=None, days_old=1, list_price=9.0)
    shop.together({(1, 2): 0.5, (1, 3): 0.5})
    shop.vectors({item_no: (1.0, float(item_no)) for item_no in range(1, 6)})
    shop.popular(dict.fromkeys(range(1, 6), 9.0))
    shop.own_source(1, 2, 3)
    shop.open()
    (asked,) = make_sources([source], shop.inputs)
    query = shop.query(viewed(UserFeatures(), 1), vector=(1.0, 1.0))
    proposals = await asked.propose(query, 10) if not asked.unready() and asked.applies(query) else None
    assert proposals is None or not len(proposals)


async def test_a_renamed_category_is_found_by_its_new_name_alone() -> None:
    shop = Shop()
    for item_no in (1, 2):
        shop.put(item_no, "green leaf", ("hot drinks", "tea"))
    shop.popular({1: 3.0, 2: 2.0})
    shop.open()
    (popular, content) = make_sources(["popular", "content"], shop.inputs)
    for item_no in (1, 2):
        shop.put(item_no, "green leaf", ("beverages", "tea"))
    shop.open()

    async def found(path: tuple[str, ...]) -> list[int]:
        wanted = ItemFilter(categories=[CategoryPath(names=path)])
        proposals = await popular.propose(shop.query(item_filter=wanted), 10)
        return [int(item_no) for item_no in proposals.item_nos]

    assert await found(("beverages",)) == await found(("beverages", "tea")) == [1, 2]
    assert await found(("hot drinks",)) == []
    # Who liked it by its old name gets what the shop has, and no fault.
    assert (await popular.propose(shop.query(shop.taste(("hot drinks", "tea"))), 10)).item_nos.tolist() == [1, 2]
    assert (await content.propose(shop.query(viewed(UserFeatures(), 1)), 10)).item_nos.tolist() == [2]
