"""Streams the catalog or the event log once, to several consumers: each answer is received a single time."""

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

CatalogConsumer = Callable[[TailCatalogResponse], None]
LogConsumer = Callable[[TailEventsResponse], Awaitable[None]]


async def stream_catalog(
    channel: grpc.aio.Channel, consumers: Sequence[CatalogConsumer], progress: Progress, *, vectors: bool = False
) -> None:
    """Passes the catalog as it is now to all consumers, without descriptions, and with vectors only if asked for.
    Raises grpc.RpcError.
    """
    with progress.task("reading the catalog") as task:
        request = TailCatalogRequest(batch_size=BATCH_SIZE, brief=True, vectors=vectors)
        async for answer in CatalogServiceStub(channel).TailCatalog(request):
            for consume in consumers:
                consume(answer)
            task.advance(len(answer.changes))


async def stream_log(
    channel: grpc.aio.Channel,
    consumers: Sequence[LogConsumer],
    progress: Progress,
    offsets: Mapping[int, int] | None = None,
) -> None:
    """Passes the log, from `offsets` (by partition; by default from its start) to its present end, to all consumers.
    Raises grpc.RpcError.
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
            for consume in consumers:
                await consume(answer)
            task.advance(len(answer.events))
