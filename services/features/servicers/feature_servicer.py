from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import Any, Final

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from services.common.clock import Clock
from services.common.paging import LIST_KEY_BYTES, PageTokens, page_size
from services.common.signing import Signer
from services.common.timestamps import millis_to_timestamp, timestamp_to_millis, to_millis
from services.common.validation import Violations
from services.common.visitors import visitor_from_key, visitor_key
from services.features.materializer import parked_events
from services.features.materializer.ledger import Ledger
from services.features.materializer.materializer import Materializer
from services.features.materializer.parked_events import BEFORE_ALL, ParkedEvent, Place
from services.features.materializer.rebuild import Rebuild
from services.features.statistics.item_ranking import RankingQuery
from services.features.statistics.statistics_reader import StatisticsReader
from services.features.store.store import Store
from services.features.users.recomputation import Recomputation
from services.features.users.user_features import UserFeatureReader
from vitrine.events.v1.event_service_pb2 import PartitionOffset
from vitrine.features.v1 import feature_service_pb2 as pb
from vitrine.features.v1 import feature_service_pb2_grpc

_ONE_LIST: Final = bytes(LIST_KEY_BYTES)

Context = grpc.aio.ServicerContext[Any, Any]


class FeatureServicer(feature_service_pb2_grpc.FeatureServiceServicer):
    """vitrine.features.v1.FeatureService: validates, calls, marshals."""

    def __init__(
        self,
        reader: UserFeatureReader,
        ledger: Ledger,
        statistics: StatisticsReader,
        *,
        materializer: Materializer,
        recomputation: Recomputation,
        rebuild: Rebuild,
        store: Store,
        clock: Clock,
        signer: Signer,
    ) -> None:
        self._reader = reader
        self._ledger = ledger
        self._statistics = statistics
        self._materializer = materializer
        self._recomputation = recomputation
        self._rebuild = rebuild
        self._store = store
        self._clock = clock
        self._tokens: PageTokens[Place] = PageTokens(signer, "parked_events", "IQ")

    async def GetUserFeatures(
        self,
        request: pb.GetUserFeaturesRequest,
        context: Context,
    ) -> pb.GetUserFeaturesResponse:
        key = visitor_key(request.visitor)
        millis = self._millis(request.query_time) if request.HasField("query_time") else to_millis(self._clock.now())
        return pb.GetUserFeaturesResponse(features=await self._reader.read(key, request.consent, millis))

    async def ListItemStatistics(
        self,
        request: pb.ListItemStatisticsRequest,
        context: Context,
    ) -> pb.ListItemStatisticsResponse:
        size = page_size(request.page_size, default=10_000, largest=50_000)
        return await self._statistics.changed_after(request.after_version, size, to_millis(self._clock.now()))

    async def ListTopItems(self, request: pb.ListTopItemsRequest, context: Context) -> pb.ListTopItemsResponse:
        limit = page_size(request.limit, default=100, largest=1_000, field="limit")
        millis = self._millis(request.query_time) if request.HasField("query_time") else to_millis(self._clock.now())
        version = self._reader.catalog_version
        query = RankingQuery(request.type, request.window, request.category_no, limit, version)
        item_nos, values = await self._statistics.top(query, millis)
        return pb.ListTopItemsResponse(item_nos=item_nos.tolist(), values=values.tolist())

    async def RecomputeUserFeatures(
        self,
        request: pb.RecomputeUserFeaturesRequest,
        context: Context,
    ) -> pb.RecomputeUserFeaturesResponse:
        key = visitor_key(request.visitor)
        violations = Violations()
        present = request.query_time if request.HasField("query_time") else None
        violations.required("query_time", present, "send the time that decayed values are to be true for")
        violations.raise_if_any()
        features = await self._recomputation.features(
            key,
            self._millis(request.query_time),
            {place.partition: place.offset for place in request.applied_offsets},
            unmerged=request.unmerged,
        )
        return pb.RecomputeUserFeaturesResponse(features=features)

    async def RebuildFeatures(
        self, request: pb.RebuildFeaturesRequest, context: Context
    ) -> AsyncIterator[pb.RebuildFeaturesResponse]:
        async for progress in self._rebuild.run(from_kept=request.from_kept):
            yield pb.RebuildFeaturesResponse(read_event_count=progress.read_events, all_event_count=progress.all_events)

    async def GetMaterializerStatus(
        self,
        request: pb.GetMaterializerStatusRequest,
        context: Context,
    ) -> pb.GetMaterializerStatusResponse:
        await self._ledger.read_offsets()
        return pb.GetMaterializerStatusResponse(
            applied_offsets=_places(self._ledger.offsets),
            saved_offsets=_places(self._ledger.saved_offsets()),
            caught_up=self._materializer.caught_up,
            fault=self._materializer.fault,
            held_partitions=sorted(self._ledger.held),
            parked_event_count=await self._store.read(parked_events.count_parked),
        )

    async def ListParkedEvents(
        self, request: pb.ListParkedEventsRequest, context: Context
    ) -> pb.ListParkedEventsResponse:
        size = page_size(request.page_size, default=100, largest=1_000)
        after = self._tokens.read(request.page_token, _ONE_LIST) or BEFORE_ALL
        events = await self._store.read(partial(parked_events.read_parked, after=after, limit=size + 1))
        response = pb.ListParkedEventsResponse(events=[_parked(event) for event in events[:size]])
        if len(events) > size:
            response.next_page_token = self._tokens.make(_ONE_LIST, events[size - 1][:2])
        return response

    async def ListCappedUsers(self, request: pb.ListCappedUsersRequest, context: Context) -> pb.ListCappedUsersResponse:
        limit = page_size(request.limit, default=100, largest=1_000, field="limit")
        capped = await self._store.read(partial(parked_events.read_capped_users, limit=limit))
        return pb.ListCappedUsersResponse(
            users=[
                pb.CappedUser(visitor=visitor_from_key(user.visitor_key), uncounted_event_count=user.uncounted_events)
                for user in capped
            ]
        )

    @staticmethod
    def _millis(query_time: Timestamp) -> int:
        return timestamp_to_millis(query_time, "query_time")


def _parked(event: ParkedEvent) -> pb.ParkedEvent:
    parked = pb.ParkedEvent(
        place=PartitionOffset(partition=event.partition, offset=event.event_offset),
        visitor=visitor_from_key(event.visitor_key),
        event_id=event.event_id,
        reason=event.reason,
        attempt_count=event.attempts,
        park_time=millis_to_timestamp(event.park_millis),
    )
    parked.type = event.event_type  # type: ignore[assignment]  # the stubs' own type for enumerations
    return parked


def _places(offsets: Mapping[int, int]) -> list[PartitionOffset]:
    return [PartitionOffset(partition=no, offset=offsets[no]) for no in sorted(offsets)]
