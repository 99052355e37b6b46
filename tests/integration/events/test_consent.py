"""Whose events and pages may be kept."""

from collections.abc import AsyncIterator

import grpc
import pytest

from tests.support.events import EventLog, ingest, statuses, view, whole_log
from vitrine.common.v1.visitor_pb2 import (
    CONSENT_ESSENTIAL,
    CONSENT_NONE,
    CONSENT_PERSONAL,
    CONSENT_UNSPECIFIED,
    Visitor,
)
from vitrine.events.v1.consent_pb2 import SetConsentRequest
from vitrine.events.v1.event_service_pb2 import (
    ExportUserRequest,
    ImportEventsRequest,
    ListQuarantinedEventsRequest,
)

ANNA = Visitor(user_id="user-1")


async def allow(log: EventLog, consent: int, visitor: Visitor = ANNA) -> None:
    await log.SetConsent(SetConsentRequest(visitor=visitor, consent=consent), timeout=10)  # type: ignore[arg-type]


async def kept(log: EventLog) -> list[str]:
    return [each.event.event_id for each in await whole_log(log) if not each.erased]


@pytest.mark.parametrize("consent", [CONSENT_NONE, CONSENT_ESSENTIAL])
async def test_an_event_done_without_consent_is_not_kept(log: EventLog, consent: int) -> None:
    bad = view("2", item_id="", consent=consent)
    results = await ingest(log, view("1", consent=consent), view("1"), bad, view("3", consent=CONSENT_PERSONAL))
    assert statuses(results) == ["NOT_KEPT", "STORED", "NOT_KEPT", "STORED"]
    assert await kept(log) == ["1", "3"]
    assert not (await log.ListQuarantinedEvents(ListQuarantinedEventsRequest(), timeout=10)).events


async def test_a_consent_that_nobody_knows_allows_nothing(log: EventLog) -> None:
    assert statuses(await ingest(log, view("1", consent=77))) == ["NOT_KEPT"]
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await allow(log, 77)
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize("consent", [CONSENT_NONE, CONSENT_ESSENTIAL])
async def test_who_refuses_is_forgotten_until_they_allow_it(log: EventLog, consent: int) -> None:
    await ingest(log, view("1"), view("2", user_id="other"), view("3", item_id=""))
    for _ in range(2):
        await allow(log, consent)
    results = await ingest(log, view("4"), view("5", user_id="other"), view("6", item_id=""))
    assert statuses(results) == ["NOT_KEPT", "STORED", "REJECTED"]
    assert await kept(log) == ["2", "5"]
    assert [part async for part in log.ExportUser(ExportUserRequest(visitor=ANNA), timeout=10)] == []
    assert not (await log.ListQuarantinedEvents(ListQuarantinedEventsRequest(), timeout=10)).events
    await allow(log, CONSENT_PERSONAL)
    assert statuses(await ingest(log, view("1"), view("7"))) == ["DUPLICATE", "STORED"]
    assert set(await kept(log)) == {"2", "5", "7"}


async def test_a_visitor_of_the_same_id_who_is_not_signed_in_is_someone_else(log: EventLog) -> None:
    await allow(log, CONSENT_NONE, Visitor(anonymous_id="user-1"))
    assert statuses(await ingest(log, view("1"))) == ["STORED"]
    await allow(log, CONSENT_UNSPECIFIED, Visitor(anonymous_id="user-1"))


async def test_an_import_counts_what_is_not_kept(log: EventLog) -> None:
    await allow(log, CONSENT_NONE)
    request = ImportEventsRequest(events=[view("1"), view("2", user_id="other"), view("3")])

    async def requests() -> AsyncIterator[ImportEventsRequest]:
        yield request

    [answer] = [answer async for answer in log.ImportEvents(requests(), timeout=10)]
    assert (answer.stored_count, answer.not_kept_count, len(answer.rejected)) == (1, 2, 0)
