import asyncio
import time
from datetime import timedelta

import pytest

from services.common.clock import FixedClock
from services.features.settings import FeaturesSettings
from tests.integration.features.process import features_process
from tests.integration.features.shop import Shop, event, item, shop
from tests.support.fake_event_service import FakeEventService, serve_fake
from vitrine.common.v1.visitor_pb2 import Visitor
from vitrine.events.v1.event_pb2 import EVENT_TYPE_IMPRESSION, EVENT_TYPE_PURCHASE, EVENT_TYPE_VIEW
from vitrine.features.v1 import feature_service_pb2 as pb
from vitrine.features.v1.user_features_pb2 import FEATURE_STATUS_MISSING, FEATURE_STATUS_STALE, UserFeatures

ANNA = Visitor(user_id="anna")


async def test_a_click_is_soon_known(features: Shop, log: FakeEventService) -> None:
    await features.upsert(item("tea", "Food", "Tea", brand="Acme"))
    await features.until(lambda status: status.caught_up)
    began = time.perf_counter()
    log.append(event("1", ANNA, EVENT_TYPE_VIEW, "tea"))
    async with asyncio.timeout(5):
        while not (known := await features.user(ANNA)).known:  # noqa: ASYNC110  # it is known over there only
            await asyncio.sleep(0.001)
    print(f"click to features: {(time.perf_counter() - began) * 1_000:.1f} ms")
    assert list(known.recent.item_nos) == [1]
    assert list(known.category_affinities.nos) == [1, 2]
    assert list(known.brand_affinities.nos) == [1]
    assert [(place.partition, place.offset) for place in known.applied_offsets] == [(0, 1), (1, 0)]


async def test_an_unknown_visitor_is_no_error(features: Shop) -> None:
    known = await features.user(Visitor(anonymous_id="never seen"))
    assert not known.known
    states = {state.feature: state.status for state in known.states}
    assert states["attributes"] == states["counters"] == states["category_affinities"] == FEATURE_STATUS_MISSING


async def test_an_unknown_item_keeps_its_number_and_joins_when_it_arrives(
    features: Shop, log: FakeEventService
) -> None:
    log.append(event("1", ANNA, EVENT_TYPE_PURCHASE, "unborn"))
    await features.applied(1)
    before = await features.user(ANNA)
    number = before.counters.item_nos[0]
    assert list((await features.states(number)).flags) == [0]
    assert not before.category_affinities.nos
    assert not await features.lookup("unborn")
    assert (await features.upsert(item("unborn", "Food", "Tea", brand="Acme")))[0].item_no == number
    after = await features.user(ANNA)
    assert list(after.category_affinities.nos) == [1, 2]
    assert list(after.brand_affinities.nos) == [1]


async def test_erased_and_flagged_events_shape_nothing(features: Shop, log: FakeEventService) -> None:
    log.append(event("1", ANNA, EVENT_TYPE_VIEW, "tea"), flags=("BOT_USER_AGENT",))
    erased = event("2", Visitor(), EVENT_TYPE_VIEW, "tea")
    erased.ClearField("target")
    log.append(erased, erased=True)
    log.append(event("3", ANNA, EVENT_TYPE_VIEW, "tea"))
    await features.applied(3)
    assert (await features.user(ANNA)).event_count == 1
    top = await features.features.ListTopItems(
        pb.ListTopItemsRequest(window=pb.STATISTICS_WINDOW_ALL, type=EVENT_TYPE_VIEW)
    )
    assert list(top.values) == [1.0]


async def test_the_event_log_may_come_late_go_and_come_back(settings: FeaturesSettings, clock: FixedClock) -> None:
    log = FakeEventService()  # type: ignore[abstract]  # what the store calls
    server, port = await serve_fake(log)
    await server.stop(None)
    async with shop(FeaturesSettings(**{**dict(settings), "events_address": f"127.0.0.1:{port}"}), clock) as features:
        assert (await features.upsert(item("tea")))[0].item_no == 1  # the catalog serves meanwhile
        await features.until(lambda status: "log" in status.fault and not status.caught_up)
        log.append(event("1", ANNA, EVENT_TYPE_VIEW, "tea"))
        server, _ = await serve_fake(log, port)
        await features.applied(1)
        assert (await features.status()).fault == ""
        await server.stop(None)
        await features.until(lambda status: bool(status.fault))
        assert (await features.user(ANNA)).event_count == 1
        log.append(event("2", ANNA, EVENT_TYPE_VIEW, "tea"))
        server, _ = await serve_fake(log, port)
        await features.applied(2)
        assert (await features.user(ANNA)).event_count == 2
        await server.stop(None)


async def test_values_grow_stale_while_the_log_is_not_read(settings: FeaturesSettings, clock: FixedClock) -> None:
    def stale(features: UserFeatures) -> set[str]:
        return {state.feature for state in features.states if state.status == FEATURE_STATUS_STALE}

    def missing(features: UserFeatures) -> set[str]:
        return {state.feature for state in features.states if state.status == FEATURE_STATUS_MISSING}

    log = FakeEventService()  # type: ignore[abstract]  # what the store calls
    server, port = await serve_fake(log)
    bought = event("1", ANNA, EVENT_TYPE_PURCHASE, "tea")
    bought.unit_price = 2.0
    log.append(bought)
    async with shop(FeaturesSettings(**{**dict(settings), "events_address": f"127.0.0.1:{port}"}), clock) as features:
        await features.applied(1)
        await features.until(lambda status: status.caught_up)
        clock.advance(timedelta(days=1))
        fresh = await features.user(ANNA)
        assert not stale(fresh)  # nothing new in the log is no age
        await server.stop(None)
        await features.until(lambda status: bool(status.fault))
        assert not stale(await features.user(ANNA))
        clock.advance(timedelta(minutes=2))
        assert stale(await features.user(ANNA)) == {"recent"}
        clock.advance(timedelta(minutes=8))
        assert stale(await features.user(ANNA)) == {"recent", "counters"}
        clock.advance(timedelta(hours=1))
        old = await features.user(ANNA)
        assert stale(old) == {"recent", "counters", "prices"}
        assert missing(old) == missing(fresh)
        assert old.counters.purchase_counts == fresh.counters.purchase_counts  # they are served all the same
        assert old.applied_offsets == fresh.applied_offsets
        server, _ = await serve_fake(log, port)
        await features.until(lambda status: status.caught_up)
        assert not stale(await features.user(ANNA))
        await server.stop(None)


async def test_what_was_saved_is_stale_until_the_log_is_reached(settings: FeaturesSettings, clock: FixedClock) -> None:
    log = FakeEventService()  # type: ignore[abstract]  # what the store calls
    log.append(event("1", ANNA, EVENT_TYPE_VIEW, "tea"))
    server, port = await serve_fake(log)
    moved = FeaturesSettings(**{**dict(settings), "events_address": f"127.0.0.1:{port}"})
    async with shop(moved, clock) as features:
        await features.saved(1)
    await server.stop(None)
    async with shop(moved, clock) as features:
        known = await features.user(ANNA)
        assert (known.event_count, {state.status for state in known.states if state.feature == "counters"}) == (
            1,
            {FEATURE_STATUS_STALE},
        )


@pytest.mark.slow
@pytest.mark.parametrize("kill_after", [1, 3_000, 9_000])
async def test_a_killed_process_counts_nothing_twice(
    settings: FeaturesSettings, clock: FixedClock, log: FakeEventService, kill_after: int
) -> None:
    """Kills the service while it applies and saves; what goes on from its files counts each event once."""
    for n in range(12_000):
        made = event(str(n), Visitor(user_id=f"u{n % 7}"), EVENT_TYPE_PURCHASE, f"i{n % 5}", n)
        log.append(made, partition=n % 2)
    async with features_process(settings, batch_size=50) as (process, running_shop):
        await running_shop.until(lambda status: sum(place.offset for place in status.applied_offsets) >= kill_after)
        process.kill()
        await process.wait()
    async with shop(settings, clock) as restarted:
        await restarted.saved(12_000)
        counts = [(await restarted.user(Visitor(user_id=f"u{n}"))).event_count for n in range(7)]
        assert counts == [1715, 1715, 1714, 1714, 1714, 1714, 1714]
        statistics = await restarted.features.ListItemStatistics(pb.ListItemStatisticsRequest())
        assert list(statistics.purchase_counts) == [2_400] * 5
        assert list(statistics.buyer_counts) == [7] * 5


async def test_another_log_is_refused(settings: FeaturesSettings, clock: FixedClock, log: FakeEventService) -> None:
    log.append(event("1", ANNA, EVENT_TYPE_VIEW, "tea"))
    async with shop(settings, clock) as features:
        await features.applied(1)
    log.log[0].clear()
    async with shop(settings, clock) as features:
        await features.until(lambda status: "another log" in status.fault)
        assert (await features.user(ANNA)).event_count == 1


async def test_statistics_come_by_version(features: Shop, log: FakeEventService) -> None:
    for n, kind in enumerate((EVENT_TYPE_VIEW, EVENT_TYPE_PURCHASE, EVENT_TYPE_IMPRESSION)):
        made = event(str(n), ANNA, kind, "tea")
        made.unit_price = 2.5
        log.append(made)
    log.append(event("9", ANNA, EVENT_TYPE_VIEW, "bread"))
    await features.saved(4)
    first = await features.features.ListItemStatistics(pb.ListItemStatisticsRequest(page_size=1))
    assert first.more
    rest = await features.features.ListItemStatistics(pb.ListItemStatisticsRequest(after_version=first.version))
    assert (len(rest.item_nos), rest.more) == (1, False)
    pages = {page.item_nos[0]: page for page in (first, rest)}
    (tea,) = await features.upsert(item("tea"))
    page = pages[tea.item_no]
    assert (page.view_counts[0], page.purchase_counts[0], page.impression_counts[0], page.buyer_counts[0]) == (
        1,
        1,
        1,
        1,
    )
    assert page.mean_prices[0] == 2.5
    assert (page.interval_counts[0], page.mean_interval_days[0]) == (0, -1.0)
    assert page.decayed_1d[0] == pytest.approx(6.0)  # the shop's clock stands at the time of the events
    nothing = await features.features.ListItemStatistics(pb.ListItemStatisticsRequest(after_version=rest.version))
    assert (len(nothing.item_nos), nothing.version, nothing.more) == (0, rest.version, False)


async def test_versions_of_statistics_never_go_back(
    settings: FeaturesSettings, clock: FixedClock, log: FakeEventService
) -> None:
    log.append(event("1", ANNA, EVENT_TYPE_VIEW, "tea"))
    async with shop(settings, clock) as before:
        await before.saved(1)
        version = (await before.features.ListItemStatistics(pb.ListItemStatisticsRequest())).version
    log.append(event("2", ANNA, EVENT_TYPE_VIEW, "bread"))
    async with shop(settings, clock) as after:
        await after.saved(2)
        request = pb.ListItemStatisticsRequest(after_version=version)
        assert len((await after.features.ListItemStatistics(request)).item_nos) == 1


async def test_top_items_of_a_branch(features: Shop, log: FakeEventService) -> None:
    await features.upsert(item("tea", "Food", "Tea"), item("bread", "Food", "Bread"), item("book", "Books"))
    for n, name in enumerate(["tea", "tea", "bread", "bread", "book", "book", "book"]):
        log.append(event(str(n), Visitor(user_id=f"u{n}"), EVENT_TYPE_VIEW, name))
    await features.applied(7)

    async def top(**request: int) -> dict[int, float]:
        answer = await features.features.ListTopItems(pb.ListTopItemsRequest(**request))  # type: ignore[arg-type]
        return dict(zip(answer.item_nos, answer.values, strict=True))

    assert await top() == pytest.approx({3: 3.0, 1: 2.0, 2: 2.0})
    assert list(await top(limit=2)) == [3, 1]
    assert list(await top(category_no=1)) == [1, 2]  # Food
    assert await top(category_no=999) == {}
    assert await top(window=pb.STATISTICS_WINDOW_ALL, type=EVENT_TYPE_PURCHASE) == {}
