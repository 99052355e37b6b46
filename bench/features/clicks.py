"""How soon a click is known while many events come in."""

import asyncio
import contextlib
import random
import time
import uuid
from typing import Final

from bench.features.shop import BenchShop, Say, milliseconds
from vitrine.common.v1.visitor_pb2 import Visitor
from vitrine.events.v1.event_pb2 import Event, EventType
from vitrine.events.v1.event_service_pb2 import EventStatus, IngestEventsRequest
from vitrine.features.v1.feature_service_pb2 import GetUserFeaturesRequest

EVENTS_A_SECOND: Final = 2_000
BATCH: Final = 50
CLICKS: Final = 150
PAUSE_SECONDS: Final = 0.05
POLL_SECONDS: Final = 0.001
PATIENCE_SECONDS: Final = 10.0


async def measure_clicks(say: Say, shop: BenchShop, users: list[str], items: list[str]) -> None:
    """Says how long it takes from the acknowledgment of a click until GetUserFeatures has it, as other users' views
    go in at `EVENTS_A_SECOND`, whether or not they are answered in time.
    """
    chooser = random.Random(11)
    traffic = asyncio.create_task(_traffic(shop, chooser, users, items))
    await asyncio.sleep(1.0)
    seconds = []
    began = time.perf_counter()
    for _ in range(CLICKS):
        seconds.append(await _click(shop, chooser.choice(users), chooser.choice(items)))
        await asyncio.sleep(PAUSE_SECONDS)
    sent = traffic.done()
    traffic.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await traffic
    if sent:
        raise RuntimeError(f"the other events ended within {time.perf_counter() - began:.0f} s")
    say("click_p50", milliseconds(seconds, 50), "ms")
    say("click_p99", milliseconds(seconds, 99), "ms")


async def _click(shop: BenchShop, user_id: str, item_id: str) -> float:
    """Returns the seconds from the acknowledgment of one click to the answer that knows it."""
    request = GetUserFeaturesRequest(visitor=Visitor(user_id=user_id))
    before = (await shop.features.GetUserFeatures(request)).features.event_count
    click = _event(user_id, item_id, EventType.EVENT_TYPE_CLICK)
    results = (await shop.clicks.IngestEvents(IngestEventsRequest(events=[click]))).results
    acknowledged = time.perf_counter()
    if results[0].status != EventStatus.EVENT_STATUS_STORED:
        raise RuntimeError("a click was not stored")
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (await shop.features.GetUserFeatures(request)).features.event_count <= before:  # noqa: ASYNC110  # over there
            await asyncio.sleep(POLL_SECONDS)
    return time.perf_counter() - acknowledged


async def _traffic(shop: BenchShop, chooser: random.Random, users: list[str], items: list[str]) -> None:
    calls: set[asyncio.Task[None]] = set()
    began, sent = time.perf_counter(), 0
    try:
        while True:
            events = [
                # Users of their own: whoever clicks waits for that click alone.
                _event(f"{chooser.choice(users)} again", chooser.choice(items), EventType.EVENT_TYPE_VIEW)
                for _ in range(BATCH)
            ]
            calls.add(asyncio.create_task(_send(shop, events)))
            for call in [call for call in calls if call.done()]:
                calls.remove(call)
                call.result()
            sent += BATCH
            await asyncio.sleep(began + sent / EVENTS_A_SECOND - time.perf_counter())
    finally:
        await asyncio.gather(*calls)


async def _send(shop: BenchShop, events: list[Event]) -> None:
    results = (await shop.events.IngestEvents(IngestEventsRequest(events=events))).results
    if any(result.status != EventStatus.EVENT_STATUS_STORED for result in results):
        raise RuntimeError("an event was not stored")


def _event(user_id: str, item_id: str, event_type: EventType.ValueType) -> Event:
    event = Event(event_id=str(uuid.uuid4()), type=event_type, item_id=item_id)
    event.visitor.user_id = user_id
    return event
