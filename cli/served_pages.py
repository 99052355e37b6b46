from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cli.shop import Shop
from services.common.feature_digests import FROM_CATALOG, feature_digests
from services.common.timestamps import millis_to_timestamp
from services.common.visitors import visitor_from_key, visitor_key
from vitrine.common.v1.visitor_pb2 import Visitor
from vitrine.events.v1.event_service_pb2 import (
    GetLogStatusRequest,
    ListUserPagesRequest,
    PageRecord,
    PartitionOffset,
    TailEventsRequest,
)
from vitrine.events.v1.event_service_pb2_grpc import EventServiceStub
from vitrine.features.v1.feature_service_pb2 import RecomputeUserFeaturesRequest
from vitrine.features.v1.feature_service_pb2_grpc import FeatureServiceStub

if TYPE_CHECKING:
    from vitrine.events.v1.event_service_pb2_grpc import EventServiceAsyncStub
    from vitrine.features.v1.feature_service_pb2_grpc import FeatureServiceAsyncStub
    from vitrine.features.v1.user_features_pb2 import UserFeatures

TIMEOUT_SECONDS: Final = 30.0
PAGES_AT_ONCE: Final = 20
PAGES_EACH: Final = 10
"""Of one of many visitors."""

LAST_EVENTS: Final = 200
"""Of each partition, to find visitors who were there lately."""


@dataclass(frozen=True, slots=True)
class ComparedPage:
    """A page, and which of its visitor's features the log gives otherwise."""

    page_id: str
    differing: Sequence[str]
    changed_with_catalog: Sequence[str] = ()
    """Features that differ and may: the catalog has changed since."""


async def compare_pages(shop: Shop, visitor: Visitor | None, limit: int) -> list[ComparedPage]:
    """Compares the newest pages, of one visitor or of those who did something lately. Raises grpc.RpcError."""
    compared: list[ComparedPage] = []
    async with shop.channel("events") as events_channel, shop.channel("features") as features_channel:
        events, features = EventServiceStub(events_channel), FeatureServiceStub(features_channel)
        visitors = [visitor] if visitor is not None else await _lately(events)
        each = limit if visitor is not None else PAGES_EACH
        for one in visitors:
            pages = _pages(events, one, min(each, limit - len(compared)))
            compared += [await _compare(features, page) async for page in pages]
            if len(compared) >= limit:
                break
    return compared


async def _lately(events: "EventServiceAsyncStub") -> list[Visitor]:
    """Returns the visitors of the log's last events, the last ones first."""
    status = await events.GetLogStatus(GetLogStatusRequest(), timeout=TIMEOUT_SECONDS)
    starts = {start.partition: start.offset for start in status.start_offsets}
    request = TailEventsRequest()
    getattr(request, "from").extend(  # a keyword of Python's
        PartitionOffset(partition=end.partition, offset=max(end.offset - LAST_EVENTS, starts.get(end.partition, 0)))
        for end in status.end_offsets
    )
    last: dict[str, int] = {}
    async for response in events.TailEvents(request, timeout=TIMEOUT_SECONDS):
        for logged in response.events:
            if not logged.erased:
                last[visitor_key(logged.event.visitor)] = logged.ingest_time.ToMilliseconds()
    return [visitor_from_key(key) for key in sorted(last, key=lambda key: last[key], reverse=True)]


async def _pages(events: "EventServiceAsyncStub", visitor: Visitor, limit: int) -> AsyncIterator[PageRecord]:
    request = ListUserPagesRequest(visitor=visitor, page_size=PAGES_AT_ONCE)
    while limit > 0:
        response = await events.ListUserPages(request, timeout=TIMEOUT_SECONDS)
        for page in response.pages:
            if page.features.digests and limit > 0:
                limit -= 1
                yield page
        request.page_token = response.next_page_token
        if not request.page_token:
            return


async def _compare(features: "FeatureServiceAsyncStub", page: PageRecord) -> ComparedPage:
    """Compares with what all that is merged by now did and, where that differs, with what this id alone did."""
    compared = _differences(page, await _recomputed(features, page, unmerged=False))
    if compared.differing:
        alone = _differences(page, await _recomputed(features, page, unmerged=True))
        return alone if not alone.differing else compared
    return compared


async def _recomputed(features: "FeatureServiceAsyncStub", page: PageRecord, *, unmerged: bool) -> "UserFeatures":
    snapshot = page.features
    offsets = [PartitionOffset(partition=no, offset=offset) for no, offset in snapshot.applied_offsets.items()]
    request = RecomputeUserFeaturesRequest(
        visitor=page.visitor,
        query_time=millis_to_timestamp(snapshot.query_time_millis),
        applied_offsets=offsets,
        unmerged=unmerged,
    )
    return (await features.RecomputeUserFeatures(request, timeout=TIMEOUT_SECONDS)).features


def _differences(page: PageRecord, recomputed: "UserFeatures") -> ComparedPage:
    digests = feature_digests(recomputed)
    differing = [name for name, digest in sorted(page.features.digests.items()) if digests.get(name) != digest]
    if recomputed.catalog_version == page.features.catalog_version:
        return ComparedPage(page.page_id, differing)
    return ComparedPage(
        page.page_id,
        [name for name in differing if name not in FROM_CATALOG],
        [name for name in differing if name in FROM_CATALOG],
    )
