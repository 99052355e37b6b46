"""The held-out quality of what is kept of tastes and repeats, by definition, and where it can be seen."""

import math
from collections.abc import Mapping

import numpy as np
import pytest

from services.candidates.artifacts.group_tastes import Group, GroupTastes
from services.candidates.artifacts.repeats import Repeats
from services.candidates.artifacts.user_ratings import UserRatings
from services.candidates.job_settings import JobSettings
from services.candidates.jobs.compute import compute
from services.candidates.jobs.events import Events
from services.candidates.jobs.repeat_quality import repeat_quality
from services.candidates.jobs.repeats import repeats
from services.candidates.settings import CandidatesSettings
from services.candidates.sources.buy_again import BuyAgain
from services.common import event_types
from services.common.progress import NoProgress
from services.features.definitions.observation import Observation
from services.features.definitions.user_state import UserState
from tests.support.candidates_shop import Shop
from tests.support.shop_events import events_of

HOUR = 3_600_000
DAY = 24 * HOUR
NOW = 1_750_000_000_000
ITEMS = 400
USERS = 80


def taste_driven_events(seed: int, *, fickle: bool = False) -> Events:
    """Users of four tastes; on the last day they turn to two items, of their taste or, `fickle`, of another."""
    random = np.random.default_rng(seed)
    rows = []
    for user in range(USERS):
        own, other = (np.arange(1, ITEMS + 1)[taste % 4 :: 4] for taste in (user, user + 1))
        # Ratings differ, so that they can be compared: some items are taken twice.
        past = random.choice(own, 25, replace=False)
        rows += [(user, int(item), NOW - int(random.integers(2, 9)) * DAY) for item in [*past, *past[:9]]]
        rows += [(user, int(item), NOW - HOUR) for item in random.choice(other if fickle else own, 2)]
    return events_of(rows)


def qualities(events: Events, groups: Mapping[int, tuple[Group, ...]], hours: float = 24.0) -> dict[str, float | None]:
    settings = CandidatesSettings(minimum_users=1, jobs=JobSettings(held_out_hours=hours))
    digests = {item: item for item in range(1, ITEMS + 1)}
    return {made.name: made.quality for made in compute(events, groups, digests, settings, NoProgress())}


def regions(*, mixed: bool = False) -> dict[int, tuple[Group, ...]]:
    return {user: (("region", str((user // 4 if mixed else user) % 4)),) for user in range(USERS)}


def test_what_like_minded_users_and_groups_take_is_foreseen_by_their_tables() -> None:
    good = qualities(taste_driven_events(1), regions())
    poor = qualities(taste_driven_events(1, fickle=True), regions())
    for name in (UserRatings.ARTIFACT, GroupTastes.ARTIFACT):
        assert (good[name] or 0.0) > 0.5
        assert (poor[name] or 0.0) < 0.1


def test_groups_that_say_nothing_of_tastes_foresee_less() -> None:
    events = taste_driven_events(2)
    told, mixed = (qualities(events, groups)[GroupTastes.ARTIFACT] for groups in (regions(), regions(mixed=True)))
    assert told is not None
    assert mixed is not None
    assert mixed < 0.8 * told


def test_users_without_a_group_do_not_count() -> None:
    events = taste_driven_events(3)
    some = {user: groups for user, groups in regions().items() if user < 40}
    few = {user: groups for user, groups in regions().items() if user < 20}
    assert qualities(events, some)[GroupTastes.ARTIFACT] is not None
    assert qualities(events, few)[GroupTastes.ARTIFACT] is None
    assert qualities(events, few)[UserRatings.ARTIFACT] is not None


@pytest.mark.parametrize("hours", [0.0, 24 * 365.0])
def test_without_held_out_hours_there_is_no_quality(hours: float) -> None:
    assert set(qualities(taste_driven_events(4), regions(), hours).values()) == {None}


def buyers(seed: int, users: int = 60) -> Events:
    """Users who buy each of their items at its own interval, up to the last day."""
    random = np.random.default_rng(seed)
    rows = []
    for user in range(users):
        for item in random.choice(np.arange(1, 41), 8, replace=False).tolist():
            hour, first = int(random.integers(1, 24)), int(random.integers(item))
            rows += [(user, item, NOW - hour * HOUR - days * DAY) for days in range(first, 90, item)]
    return events_of(rows)


async def expected_ndcg(events: Events) -> float:
    """The definition, with the source that serves and the feature store's own counters."""
    shop, begin = Shop(), events.newest_millis - 24 * HOUR
    for item_no in range(1, 41):
        shop.put(item_no)
    shop.open()
    late = events.millis > begin
    table = repeats(events.where(~late), {item: item for item in range(1, 41)})
    assert table is not None
    shop.inputs.repeats.put("1", table)
    gains = []
    for user in np.unique(events.users):
        state, own = UserState(), events.where(~late & (events.users == user))
        for place in np.argsort(own.millis):
            doing = Observation(event_types.PURCHASE, int(own.items[place]), int(own.millis[place]), str(place))
            state.apply(doing)
        again = set(events.items[late & (events.users == user)].tolist()) & set(own.items.tolist())
        if not again or len(set(own.items.tolist())) < 2:
            continue
        query = shop.query(state.features(begin), at=begin)
        order = (await BuyAgain(shop.inputs).propose(query, 1000)).item_nos.tolist()
        found = sum(1 / math.log2(rank + 2) for rank, item in enumerate(order) if item in again)
        gains.append(found / sum(1 / math.log2(rank + 2) for rank in range(len(again))))
    return float(np.mean(gains))


async def test_the_order_of_repeats_is_measured_as_it_is_served() -> None:
    events = buyers(5)
    digests = {item: item for item in range(1, 41)}
    found = repeat_quality(events, 24.0, digests)
    assert found == pytest.approx(await expected_ndcg(events), abs=2e-3)
    assert found is not None
    assert 0.3 < found < 1.0
    assert qualities(events, {})[Repeats.ARTIFACT] == pytest.approx(found)


@pytest.mark.parametrize(
    "events",
    [
        events_of([]),
        buyers(6, users=20),
        events_of([(user, 1, NOW - days * DAY) for user in range(60) for days in (0, 5)]),
        events_of([(user, 1 + days, NOW - days * DAY) for user in range(60) for days in range(5)]),
        events_of([(user, 1 + user % 2, NOW - days * DAY) for user in range(60) for days in range(5)], bought=False),
    ],
    ids=["nothing", "too-few-users", "no-choice", "nothing-again", "nothing-bought"],
)
def test_where_nobody_can_say_repeats_have_no_quality(events: Events) -> None:
    assert repeat_quality(events, 24.0, {item: item for item in range(1, 41)}) is None
