"""What bounds the jobs' memory: portions of users, one table at a time, and some rows in the place of all."""

import tracemalloc
import weakref

import numpy as np
import pytest

from services.candidates.job_settings import BasketSettings, JobSettings
from services.candidates.jobs import events as events_module
from services.candidates.jobs import rows as rows_module
from services.candidates.jobs.compute import compute
from services.candidates.jobs.events import Events
from services.candidates.jobs.item_tables import ItemTable, item_tables
from services.candidates.jobs.rows import RowsBuilder
from services.candidates.settings import CandidatesSettings
from services.common.progress import NoProgress
from tests.support.shop_events import events_of

HOUR = 3_600_000
# A column that belongs to the artifact alone.
COLUMN = {"user_ratings": "ratings", "repeats": "rates"}
SETTINGS = CandidatesSettings(minimum_users=1, bought_together=BasketSettings(minimum_support=1, shrinkage=0.1))


def doings(seed: int = 0, users: int = 40, items: int = 25, count: int = 800) -> Events:
    random = np.random.default_rng(seed)
    rows = [
        (int(random.integers(users)), int(random.integers(1, items + 1)), int(random.integers(10)) * HOUR)
        for _ in range(count)
    ]
    return events_of(rows, orders=[1 + row[2] // HOUR for row in rows])


@pytest.mark.parametrize("at_a_time", [1, 7, 100, 1_000_000])
def test_portions_hold_whole_users_in_order_and_lose_nothing(at_a_time: int) -> None:
    events = doings()
    portions = list(events.by_users(at_a_time))
    users = [np.unique(portion.users) for portion in portions]
    assert np.concatenate(users).tolist() == np.unique(events.users).tolist()
    for portion, own in zip(portions, users, strict=True):
        assert len(portion) <= at_a_time or len(own) == 1
        for user in own:
            for column in ("items", "millis", "orders"):
                wanted = getattr(events, column)[events.users == user]
                assert getattr(portion, column)[portion.users == user].tolist() == wanted.tolist()


def test_no_events_are_no_portions() -> None:
    assert list(doings(count=0).by_users()) == []


def tables(events: Events, settings: CandidatesSettings = SETTINGS) -> dict[str, ItemTable]:
    return {table.name: table for table in item_tables(events, settings, NoProgress())}


@pytest.mark.parametrize(("portion", "block", "packed"), [(1, 1000, 1), (50, 5000, 3)])
def test_the_tables_do_not_depend_on_how_the_work_is_cut(
    monkeypatch: pytest.MonkeyPatch, portion: int, block: int, packed: int
) -> None:
    events = doings()
    whole = tables(events)
    monkeypatch.setattr(events_module.Events.by_users, "__defaults__", (portion,))
    monkeypatch.setattr(rows_module, "_PACKED", packed)
    cut = tables(events, SETTINGS.model_copy(update={"jobs": JobSettings(block_entries=block)}))
    assert whole.keys() == cut.keys()
    for name, table in whole.items():
        assert len(table.rows) > 0
        for column in ("starts", "columns", "supports"):
            assert getattr(table.rows, column).tolist() == getattr(cut[name].rows, column).tolist()
        assert cut[name].rows.scores == pytest.approx(table.rows.scores, abs=1e-6)


def test_some_rows_are_those_of_the_whole_table() -> None:
    events, only = doings(), np.array([3, 17, 24, 99], np.uint32)
    whole = tables(events)
    for some in item_tables(events, SETTINGS, NoProgress(), only):
        table = whole[some.name]
        assert some.owners.tolist() == [3, 17, 24]
        for place, owner in enumerate(some.owners):
            row = int(np.searchsorted(table.owners, owner))
            expected, found = (
                one.item_nos[one.rows.columns[one.rows.starts[at] : one.rows.starts[at + 1]]].tolist()
                for one, at in ((table, row), (some, place))
            )
            assert found == expected


def test_a_table_is_gone_before_the_next_is_computed() -> None:
    events = doings()
    digests = {int(item): int(item) for item in np.unique(events.items)}
    former: weakref.ref[object] | None = None
    names = []
    for made in compute(events, {}, digests, SETTINGS, NoProgress()):
        assert former is None or former() is None
        artifact = made.save.__self__  # type: ignore[attr-defined]  # a method of the artifact
        former = weakref.ref(getattr(artifact, COLUMN.get(made.name, "similarities")))
        names.append(made.name)
        del made, artifact
    assert names == ["neighbors", "next_items", "bought_together", "user_ratings", "repeats"]


def test_rows_are_packed_as_they_come() -> None:
    builder = RowsBuilder(per_row=2)
    for row in range(25_000):
        builder.add(np.array([row, row + 1]), np.array([1.0, 2.0]), np.array([1, 1]))
    made = builder.build()
    assert len(made) == 50_000
    assert made.columns[-2:].tolist() == [25_000, 24_999]


def test_the_setting_bounds_the_memory() -> None:
    """Nearly every pair of 300 items is there: 90,000, at some 32 bytes each."""
    events = doings(users=200, items=300, count=12_000)
    peaks = {}
    for block in (4_000, 20_000_000):
        settings = SETTINGS.model_copy(update={"jobs": JobSettings(block_entries=block)})
        tracemalloc.start()
        for name, rows in ((table.name, table.rows) for table in item_tables(events, settings, NoProgress())):
            peaks[block, name] = tracemalloc.get_traced_memory()[1]
            assert len(rows) > 0
            tracemalloc.reset_peak()
        tracemalloc.stop()
    for name in ("next_items", "bought_together"):
        assert peaks[4_000, name] < 0.5 * peaks[20_000_000, name]
    assert peaks[20_000_000, "neighbors"] - peaks[4_000, "neighbors"] > 0.5 * 90_000 * 12
