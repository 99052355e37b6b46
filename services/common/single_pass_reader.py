"""One pass through a shop's catalog or log, for all who take something of it: each answer is received once."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import grpc

from services.common.progress import Progress
from vitrine.events.v1.event_service_pb2 import (
    GetLogStatusRequest,
    PartitionOffset,
    TailEventsRequest,
    TailEventsResponse,
)
from vitrine.events.v1.event_service_pb2_grpc import EventServiceStub
from vitrine.features.v1.catalog_service_pb2 import TailCatalogRequest, TailCatalogResponse
from vitrine.features.v1.catalog_service_pb2_grpc import CatalogServiceStub

BATCH_SIZE: Final = 5_000
CALL_SECONDS: Final = 30.0

CatalogTaker = Callable[[TailCatalogResponse], None]
LogTaker = Callable[[TailEventsResponse], Awaitable[None]]


async def pass_catalog(
    channel: grpc.aio.Channel, takers: Sequence[CatalogTaker], progress: Progress, *, vectors: bool = False
) -> None:
    """Gives the catalog, up to its end as it is now, to all takers; without descriptions, and without vectors where
    they are not asked for. Raises grpc.RpcError.
    """
    with progress.task("reading the catalog") as task:
        request = TailCatalogRequest(batch_size=BATCH_SIZE, brief=True, vectors=vectors)
        async for answer in CatalogServiceStub(channel).TailCatalog(request):
            for take in takers:
                take(answer)
            task.advance(len(answer.changes))


async def pass_log(
    channel: grpc.aio.Channel,
    takers: Sequence[LogTaker],
    progress: Progress,
    offsets: Mapping[int, int] | None = None,
) -> None:
    """Gives the log from `offsets` (by partition; without any from its beginning) up to its end as it is now to all
    takers. Raises grpc.RpcError.
    """
    stub, offsets = EventServiceStub(channel), offsets or {}
    status = await stub.GetLogStatus(GetLogStatusRequest(), timeout=CALL_SECONDS)
    ends = {end.partition: end.offset for end in status.end_offsets}
    request = TailEventsRequest(batch_size=BATCH_SIZE)
    if offsets:
        places = (PartitionOffset(partition=number, offset=offsets.get(number, 0)) for number in ends)
        getattr(request, "from").extend(places)  # a keyword of Python's
    total = sum(max(0, end - offsets.get(number, 0)) for number, end in ends.items())
    with progress.task("reading events", total) as task:
        async for answer in stub.TailEvents(request):
            for take in takers:
                await take(answer)
            task.advance(len(answer.events))
