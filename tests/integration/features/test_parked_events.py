"""An event that can't be applied stops nobody: it's tried, parked, and listed, and nothing of it is counted."""

import asyncio
import json
from collections.abc import Iterator

import pytest
from sqlalchemy import update
from typer.testing import CliRunner

from cli.checkup.machine import Verdict
from cli.checkup.services import check_lag
from cli.main import app
from cli.shop import Shop as CommandShop
from services.common.clock import FixedClock
from services.common.database import Database, create_engine
from services.features.definitions import item_counters
from services.features.definitions.observation import Observation
from services.features.definitions.tally import Tally
from services.features.definitions.user_state import UserState
from services.features.materializer import materializer
from services.features.materializer.materializer import ATTEMPTS
from services.features.settings import FeaturesSettings
from services.features.store.tables import USER_STATES
from tests.integration.features.shop import PATIENCE_SECONDS, Shop, event, refusal, shop
from tests.support.fake_event_service import FakeEventService
from vitrine.common.v1.visitor_pb2 import Visitor
from vitrine.events.v1.event_pb2 import EVENT_TYPE_PURCHASE, EVENT_TYPE_VIEW
from vitrine.features.v1 import feature_service_pb2 as pb
from vitrine.features.v1.user_service_pb2 import DeleteUserRequest

ADA = Visitor(user_id="ada")
BOB = Visitor(user_id="bob")
POISON = "poison"


@pytest.fixture
def poison() -> Iterator[pytest.MonkeyPatch]:
    """A bug: events with this id change half of a state, and fail. Undone, it's mended."""
    apply = UserState.apply

    def failing(state: UserState, observation: Observation) -> list[Tally]:
        tallies = apply(state, observation)
        if observation.event_id.startswith(POISON):
            raise OverflowError(observation.event_id)
        return tallies

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(UserState, "apply", failing)
        patch.setattr(materializer, "FIRST_PAUSE_SECONDS", 0.01)
        yield patch


def log_events(log: FakeEventService) -> int:
    """Logs good events around a poison one, in two partitions; returns how many."""
    log.append(event("a1", ADA, EVENT_TYPE_VIEW, "tea", 1))
    log.append(event("a2", ADA, EVENT_TYPE_VIEW, "tea", 2))
    log.append(event(POISON, ADA, EVENT_TYPE_PURCHASE, "tea", 3))
    log.append(event("a3", ADA, EVENT_TYPE_VIEW, "tea", 4))
    log.append(event("b1", BOB, EVENT_TYPE_VIEW, "tea", 5), partition=1)
    return 5


async def parked(features: Shop, **request: object) -> pb.ListParkedEventsResponse:
    return await features.features.ListParkedEvents(pb.ListParkedEventsRequest(**request))  # type: ignore[arg-type]


async def counts(features: Shop) -> tuple[list[int], list[int], list[int]]:
    """Returns the events of both users, and the item's views and purchases."""
    users = [(await features.user(visitor)).event_count for visitor in (ADA, BOB)]
    statistics = await features.features.ListItemStatistics(pb.ListItemStatisticsRequest())
    return users, list(statistics.view_counts), list(statistics.purchase_counts)


async def test_a_poison_event_is_parked_and_nothing_of_it_counted(
    features: Shop, log: FakeEventService, poison: pytest.MonkeyPatch
) -> None:
    await features.saved(log_events(log))
    assert await counts(features) == ([3, 1], [4], [0])
    status = await features.status()
    assert (status.parked_event_count, status.fault) == (1, "")
    (listed,) = (await parked(features)).events
    assert (listed.place.partition, listed.place.offset, listed.event_id) == (0, 2, POISON)
    assert (listed.visitor, listed.type, listed.reason) == (ADA, EVENT_TYPE_PURCHASE, "OverflowError")
    assert listed.attempt_count == ATTEMPTS


async def test_commands_show_what_is_parked(
    features: Shop,
    settings: FeaturesSettings,
    log: FakeEventService,
    poison: pytest.MonkeyPatch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await features.saved(log_events(log))
    addresses = {"VITRINE_EVENTS_ADDRESS": settings.events_address, "VITRINE_FEATURES_ADDRESS": features.address}
    for name, address in addresses.items():
        monkeypatch.setenv(name, address)
    arguments = ["--state-directory", str(settings.state_directory), "features", "parked"]
    shown = await asyncio.to_thread(CliRunner().invoke, app, arguments)
    assert (shown.exit_code, POISON in shown.output, "OverflowError" in shown.output) == (0, True, True)
    shown = await asyncio.to_thread(CliRunner().invoke, app, [*arguments, "--json"])
    (listed,) = json.loads(shown.output)["events"]
    assert (listed["event_id"], listed["visitor"], listed["attempt_count"]) == (POISON, {"user_id": "ada"}, ATTEMPTS)
    finding = await check_lag("features", CommandShop(settings.state_directory, addresses))
    assert (finding.verdict, finding.text) == (Verdict.WARNING, "1 events could not be applied")


async def test_parked_events_come_in_pages(features: Shop, log: FakeEventService, poison: pytest.MonkeyPatch) -> None:
    for number in range(3):
        log.append(event(f"{POISON}{number}", ADA, EVENT_TYPE_VIEW, "tea"), partition=number % 2)
    await features.saved(3)
    first = await parked(features, page_size=2)
    second = await parked(features, page_size=2, page_token=first.next_page_token)
    ids = [each.event_id for each in [*first.events, *second.events]]
    assert (ids, second.next_page_token) == (["poison0", "poison2", "poison1"], "")
    assert await refusal(parked(features, page_token="bad")) == (
        "INVALID_ARGUMENT",
        "PAGE_TOKEN_INVALID",
        ["page_token"],
    )


async def test_a_parked_event_stays_parked_and_goes_with_its_visitor(
    settings: FeaturesSettings, clock: FixedClock, log: FakeEventService, poison: pytest.MonkeyPatch
) -> None:
    async with shop(settings, clock) as features:
        await features.saved(log_events(log))
    poison.undo()
    async with shop(settings, clock) as features:
        assert await counts(features) == ([3, 1], [4], [0])
        assert len((await parked(features)).events) == 1
        await features.users.DeleteUser(DeleteUserRequest(visitor=ADA))
        assert list((await parked(features)).events) == []


async def test_a_rebuild_recovers_what_can_be_applied_by_now(
    features: Shop, log: FakeEventService, poison: pytest.MonkeyPatch
) -> None:
    await features.saved(log_events(log))
    async for _ in features.features.RebuildFeatures(pb.RebuildFeaturesRequest()):
        pass
    await features.until(lambda status: status.caught_up)
    assert await counts(features) == ([3, 1], [4], [0])
    assert len((await parked(features)).events) == 1
    poison.undo()
    async for _ in features.features.RebuildFeatures(pb.RebuildFeaturesRequest()):
        pass
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await counts(features) != ([4, 1], [4], [1]):  # noqa: ASYNC110  # it's known over there only
            await asyncio.sleep(0.01)
    assert not (await features.status()).parked_event_count


async def test_users_who_do_more_than_is_kept_are_listed(
    features: Shop, log: FakeEventService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(item_counters, "MAXIMUM_ROWS", 2)
    for number in range(5):
        log.append(event(f"a{number}", ADA, EVENT_TYPE_VIEW, f"item{number}"))
        log.append(event(f"b{number}", BOB, EVENT_TYPE_VIEW, f"item{number % 2}"))
    await features.saved(10)
    listed = (await features.features.ListCappedUsers(pb.ListCappedUsersRequest())).users
    assert [(user.visitor, user.uncounted_event_count) for user in listed] == [(ADA, 3)]
    assert list((await features.user(ADA)).counters.view_counts) == [1, 1]


async def test_a_state_that_cannot_be_read_stops_nobody_else(
    settings: FeaturesSettings, clock: FixedClock, log: FakeEventService
) -> None:
    async with shop(settings, clock) as features:
        log.append(event("a1", ADA, EVENT_TYPE_VIEW, "tea"))
        await features.saved(1)
    database = Database(create_engine(settings.url()))
    database.write(lambda connection: connection.execute(update(USER_STATES).values(state=b"\xff")))
    database.dispose()
    async with shop(settings, clock) as features:
        log.append(event("b1", BOB, EVENT_TYPE_VIEW, "tea"))
        for number in range(20):
            log.append(event(f"a{number + 2}", ADA, EVENT_TYPE_VIEW, "tea"))
        log.append(event("b2", BOB, EVENT_TYPE_VIEW, "tea"))
        await features.saved(23)
        assert (await features.user(BOB)).event_count == 2
        listed = (await parked(features)).events
        assert [each.reason for each in listed] == ["DecodeError"] + 19 * ["StateUnreadable"]
