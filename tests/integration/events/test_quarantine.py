import asyncio
import json
from datetime import timedelta

import grpc
import pytest
from typer.testing import CliRunner

from cli.main import app
from services.common.channels import open_channel
from services.common.clock import FixedClock
from services.common.rpc_status import from_rpc_error
from services.common.server import running
from services.common.timestamps import to_timestamp
from services.events.app import build
from services.events.settings import EventsSettings
from tests.support.events import EventLog, ingest, statuses, view, whole_log
from vitrine.common.v1.visitor_pb2 import Visitor
from vitrine.events.v1.event_pb2 import Event, EventType
from vitrine.events.v1.event_service_pb2 import (
    DeleteUserRequest,
    GetLogStatusRequest,
    ListQuarantinedEventsRequest,
    ListQuarantinedEventsResponse,
    ReplayQuarantinedEventsRequest,
    ReplayQuarantinedEventsResponse,
)


def bought(event_id: str, currency: str, price: float = 2.0, user_id: str = "user-1") -> Event:
    event = view(event_id, user_id, unit_price=price, currency_code=currency)
    event.type = EventType.EVENT_TYPE_PURCHASE
    return event


async def listed(log: EventLog, **request: object) -> ListQuarantinedEventsResponse:
    return await log.ListQuarantinedEvents(ListQuarantinedEventsRequest(**request), timeout=10)  # type: ignore[arg-type]


async def replayed(log: EventLog, **request: object) -> ReplayQuarantinedEventsResponse:
    return await log.ReplayQuarantinedEvents(ReplayQuarantinedEventsRequest(**request), timeout=10)  # type: ignore[arg-type]


def counts(response: ReplayQuarantinedEventsResponse) -> tuple[int, int, int]:
    return response.stored_count, response.duplicate_count, response.rejected_count


@pytest.fixture
def settings(settings: EventsSettings) -> EventsSettings:
    return settings.model_copy(update={"currency": "EUR"})


@pytest.fixture
def mended(settings: EventsSettings) -> EventsSettings:
    """The shop has learnt the dollar."""
    return settings.model_copy(update={"currency_rates": {"USD": 0.5}})


async def test_rejected_events_are_listed_oldest_first(log: EventLog, clock: FixedClock) -> None:
    for number in range(5):
        await ingest(log, bought(str(number), "USD"), view(f"v{number}", quantity=-1))
        clock.advance(timedelta(seconds=1))
    first = await listed(log, reason="UNKNOWN_CURRENCY", page_size=3)
    rest = await listed(log, reason="UNKNOWN_CURRENCY", page_size=3, page_token=first.next_page_token)
    events = [*first.events, *rest.events]
    assert [each.event.event_id for each in events] == ["0", "1", "2", "3", "4"]
    assert rest.next_page_token == ""
    assert {(each.reason, each.field) for each in events} == {("UNKNOWN_CURRENCY", "currency_code")}
    assert "add the rate of USD to VITRINE_EVENTS_CURRENCY_RATES" in events[0].description
    assert events[0].event.currency_code == "USD", "as it was sent"
    assert len((await listed(log)).events) == 10


async def test_a_token_is_good_for_its_reason_only(log: EventLog) -> None:
    await ingest(log, *(bought(str(each), "USD") for each in range(3)))
    token = (await listed(log, page_size=1)).next_page_token
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await listed(log, reason="UNKNOWN_CURRENCY", page_token=token)
    assert from_rpc_error(refused.value).reason == "PAGE_TOKEN_INVALID"


async def test_what_is_fit_after_a_fix_goes_into_the_log_once(
    settings: EventsSettings, mended: EventsSettings, clock: FixedClock
) -> None:
    arrival = clock.now()
    async with running(settings, build(settings, clock)) as server, open_channel(server.address) as channel:
        sent = [bought("1", "usd", 3.0), bought("", "USD"), bought("3", "GBP"), bought("4", "EUR")]
        assert statuses(await ingest(EventLog(channel), *sent)) == ["REJECTED", "REJECTED", "REJECTED", "STORED"]
        assert counts(await replayed(EventLog(channel))) == (0, 0, 3)
    clock.advance(timedelta(days=2))
    async with running(mended, build(mended, clock)) as server, open_channel(server.address) as channel:
        log = EventLog(channel)
        assert counts(await replayed(log, reason="UNKNOWN_CURRENCY")) == (2, 0, 1)
        assert counts(await replayed(log)) == (0, 0, 1)
        logged = {each.event.event_id: each for each in await whole_log(log)}
        assert len(logged) == 3
        first = logged["1"]
        assert (first.event.unit_price, first.event.currency_code) == (1.5, "EUR")
        assert first.event.event_time == to_timestamp(arrival), "the time of its arrival, since it had none"
        assert first.ingest_time == to_timestamp(clock.now())
        assert statuses(await ingest(log, bought("1", "USD", 3.0))) == ["DUPLICATE"]
        [left] = (await listed(log)).events
        assert left.event.event_id == "3"
        assert (await log.GetLogStatus(GetLogStatusRequest())).quarantined_count == 1


async def test_a_client_that_mended_it_first_is_not_doubled(
    settings: EventsSettings, mended: EventsSettings, clock: FixedClock
) -> None:
    async with running(settings, build(settings, clock)) as server, open_channel(server.address) as channel:
        await ingest(EventLog(channel), bought("1", "USD"))
        await ingest(EventLog(channel), bought("1", "EUR"))
    async with running(mended, build(mended, clock)) as server, open_channel(server.address) as channel:
        assert counts(await replayed(EventLog(channel))) == (0, 1, 0)
        assert len(await whole_log(EventLog(channel))) == 1
        assert not (await listed(EventLog(channel))).events


async def test_an_erased_user_is_not_replayed(
    settings: EventsSettings, mended: EventsSettings, clock: FixedClock
) -> None:
    async with running(settings, build(settings, clock)) as server, open_channel(server.address) as channel:
        await ingest(EventLog(channel), bought("1", "USD", user_id="anna"))
        await EventLog(channel).DeleteUser(DeleteUserRequest(visitor=Visitor(user_id="anna")))
    async with running(mended, build(mended, clock)) as server, open_channel(server.address) as channel:
        assert counts(await replayed(EventLog(channel))) == (0, 0, 0)


async def test_an_event_that_is_too_large_leaves_what_it_was(log: EventLog) -> None:
    unknown_field = b"\x9a\x3f" + b"\x80\x80\x08" + b"x" * (128 * 1024)  # number 1011, 128 KiB
    huge = Event.FromString(view("huge", "anna").SerializeToString() + unknown_field)
    [result] = await ingest(log, huge)
    assert (result.reason, result.field) == ("EVENT_TOO_LARGE", "events[0]")
    [kept] = (await listed(log)).events
    assert (kept.event.event_id, kept.event.visitor.user_id) == ("huge", "anna")
    assert kept.event.ByteSize() < 100
    assert counts(await replayed(log)) == (0, 0, 1), "half an event is none"


async def test_the_command_lists_and_replays(
    settings: EventsSettings, mended: EventsSettings, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run(address: str, *arguments: str) -> str:
        monkeypatch.setenv("VITRINE_EVENTS_ADDRESS", address)
        result = await asyncio.to_thread(CliRunner().invoke, app, ["quarantine", *arguments])
        assert result.exit_code == 0, result.output
        return result.stdout

    async with running(settings, build(settings, clock)) as server, open_channel(server.address) as channel:
        await ingest(EventLog(channel), bought("1", "USD"))
        clock.advance(timedelta(seconds=1))
        await ingest(EventLog(channel), bought("2", "GBP"))
        assert "UNKNOWN_CURRENCY" in await run(server.address, "list")
        events = json.loads(await run(server.address, "list", "--json", "--limit", "1"))["events"]
        assert [each["event"]["event_id"] for each in events] == ["1"]
    async with running(mended, build(mended, clock)) as server:
        assert await run(server.address, "replay") == (
            "1 stored, 0 already known, 0 not kept for lack of consent, 1 still invalid\n"
        )
        told = json.loads(await run(server.address, "replay", "--reason", "UNKNOWN_CURRENCY", "--json"))
        assert told == {"stored_count": 0, "duplicate_count": 0, "not_kept_count": 0, "rejected_count": 1}
