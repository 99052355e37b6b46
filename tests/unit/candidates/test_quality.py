import numpy as np
import pytest

from services.candidates.job_settings import JobSettings
from services.candidates.jobs.compute import compute
from services.candidates.jobs.events import Events
from services.candidates.jobs.item_tables import ItemTable, item_tables
from services.candidates.jobs.quality import HeldOut
from services.candidates.jobs.ratings import implicit_ratings
from services.candidates.settings import CandidatesSettings
from services.common.progress import NoProgress
from tests.support.shop_events import events_of

HOUR = 3_600_000
SETTINGS = CandidatesSettings(minimum_users=1)
ITEMS = 400


def shop_events(seed: int, users: int = 60) -> Events:
    """Users of four tastes over ten days; on the last one they turn to two items, new to most of them."""
    random = np.random.default_rng(seed)
    rows = []
    for user in range(users):
        own = np.arange(1, ITEMS + 1)[user % 4 :: 4]
        rows += [(user, int(item), int(random.integers(9 * 24)) * HOUR) for item in random.choice(own, 12)]
        rows += [(user, int(item), (9 * 24 + 12) * HOUR) for item in random.choice(own, 2)]
    return events_of([*rows, (0, ITEMS, 10 * 24 * HOUR)])


def dense_recall(events: Events, table: ItemTable) -> float:
    """The definition, word for word, over all items."""
    late = events.millis > events.newest_millis - 24 * HOUR
    past, future = events.where(~late), events.where(late)
    given = implicit_ratings(past, SETTINGS.neighbors.half_life_days, items_per_user=2_000)
    ratings = np.zeros((int(events.users.max()) + 1, ITEMS + 1))
    ratings[np.ix_(given.user_nos, given.item_nos)] = given.matrix.todense()
    scores = np.zeros((ITEMS + 1, ITEMS + 1))
    owners = np.repeat(table.owners, np.diff(table.rows.starts))
    scores[owners, table.item_nos[table.rows.columns]] = table.rows.scores
    shares = []
    for user in np.unique(future.users):
        known = {int(item) for item in future.items[future.users == user] if item in past.items}
        wanted = {item for item in known if ratings[user, item] == 0}
        if wanted and ratings[user].any():
            sums = ratings[user] @ scores
            sums[ratings[user] > 0] = 0.0
            first = [int(item) for item in np.argsort(-sums, kind="stable")[:100] if sums[item] > 0]
            shares.append(len(wanted.intersection(first)) / len(wanted))
    return float(np.mean(shares))


@pytest.mark.parametrize("seed", range(3))
def test_recall_is_that_of_the_definition_though_few_rows_are_made(seed: int) -> None:
    events = shop_events(seed)
    held_out = HeldOut.of(events, SETTINGS)
    assert held_out is not None
    whole = {table.name: table for table in item_tables(held_out.past, SETTINGS, NoProgress())}
    expected = {name: dense_recall(events, table) for name, table in whole.items()}
    assert expected["neighbors"] > 0
    assert expected["next_items"] > 0
    tables = item_tables(held_out.past, SETTINGS, NoProgress(), held_out.items)
    assert {table.name: held_out.recall(held_out.by_table(table)) for table in tables} == pytest.approx(expected)


@pytest.mark.parametrize(
    ("events", "hours"),
    [
        (shop_events(0), 0.0),
        (shop_events(0), 24 * 365.0),
        (shop_events(0, users=20), 24.0),
        (events_of([]), 24.0),
        (events_of([(user, 1, day * 24 * HOUR) for user in range(60) for day in (0, 5)]), 24.0),
    ],
    ids=["not-asked-for", "nothing-before", "too-few-users", "nothing", "nothing-new"],
)
def test_where_nobody_can_say_there_is_no_quality(events: Events, hours: float) -> None:
    settings = SETTINGS.model_copy(update={"jobs": JobSettings(held_out_hours=hours)})
    assert HeldOut.of(events, settings) is None
    digests = {int(item): int(item) for item in np.unique(events.items)}
    assert all(made.quality is None for made in compute(events, {}, digests, settings, NoProgress()))
