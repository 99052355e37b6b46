"""What commands are told by whichever of several feature stores answers, the one that applies the log or another."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from cli.checkup.machine import Finding, Verdict
from cli.checkup.services import check_lag
from cli.importer import wait
from cli.importer.wait import wait_until_applied
from cli.shop import Shop as CommandShop
from services.common.clock import FixedClock
from services.common.database import Database, create_engine
from services.common.progress import NoProgress
from services.features.materializer.leases import lock_all
from services.features.settings import FeaturesSettings
from tests.integration.features.shop import Shop, event, shop
from tests.integration.features.workers import ITEM_IDS, USERS, sell_items
from tests.support.fake_event_service import FakeEventService
from vitrine.events.v1.event_pb2 import EVENT_TYPE_VIEW


@pytest.fixture
async def log() -> FakeEventService:
    return FakeEventService(partitions=1)  # type: ignore[abstract]  # what the store calls


@pytest.fixture
async def stores(settings: FeaturesSettings, clock: FixedClock) -> AsyncIterator[tuple[Shop, Shop]]:
    """One that applies the log, and one for which nothing of it is left."""
    async with shop(settings, clock) as applying, shop(settings, clock) as answering:
        await sell_items(applying)
        await applying.until(lambda status: list(status.held_partitions) == [0])
        await answering.until(lambda status: status.caught_up and not status.held_partitions)
        yield applying, answering


def seen_by(store: Shop, settings: FeaturesSettings, folder: Path) -> CommandShop:
    """The shop of a command that reaches this feature store."""
    return CommandShop(
        folder, {"VITRINE_EVENTS_ADDRESS": settings.events_address, "VITRINE_FEATURES_ADDRESS": store.address}
    )


@contextlib.contextmanager
def nothing_saved(settings: FeaturesSettings) -> Iterator[None]:
    """Nobody can save while the block runs."""
    database = Database(create_engine(settings.url()))
    with database.begin() as connection:
        lock_all(connection)
        yield
    database.dispose()


async def wait_for_features(command: CommandShop) -> None:
    async with command.channel("events") as events, command.channel("features") as features:
        await wait_until_applied(events, features, NoProgress())


async def test_whoever_is_asked_what_was_waited_for_is_known_to_all(
    settings: FeaturesSettings,
    stores: tuple[Shop, Shop],
    log: FakeEventService,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wait, "POLL_SECONDS", 0.01)
    with nothing_saved(settings):
        log.append(event("1", USERS[0], EVENT_TYPE_VIEW, ITEM_IDS[0]))
        await stores[0].applied(1)
        waiting = [asyncio.create_task(wait_for_features(seen_by(each, settings, tmp_path))) for each in stores]
        done, _ = await asyncio.wait(waiting, timeout=0.5)
        assert not done, "the other one knows nothing of it"
    await asyncio.wait_for(asyncio.gather(*waiting), 10)
    assert [(await each.user(USERS[0])).event_count for each in stores] == [1, 1]


async def test_whoever_is_asked_how_far_behind_the_features_are_says_the_same(
    settings: FeaturesSettings, stores: tuple[Shop, Shop], log: FakeEventService, tmp_path: Path
) -> None:
    async def lags() -> list[Finding]:
        return [await check_lag("lag", seen_by(each, settings, tmp_path)) for each in stores]

    with nothing_saved(settings):
        for number in range(3):
            log.append(event(str(number), USERS[0], EVENT_TYPE_VIEW, ITEM_IDS[0]))
        await stores[0].applied(3)
        assert await lags() == [Finding("lag", Verdict.OK, "3 events")] * 2
    await stores[0].saved(3)
    assert await lags() == [Finding("lag", Verdict.OK, "0 events")] * 2
