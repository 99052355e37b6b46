import asyncio
from dataclasses import dataclass

import grpc

from cli.errors import CommandError
from services.common.progress import Progress
from vitrine.events.v1 import event_service_pb2, event_service_pb2_grpc
from vitrine.features.v1 import feature_service_pb2, feature_service_pb2_grpc

POLL_SECONDS = 0.2
STALLED_SECONDS = 60.0
TIMEOUT_SECONDS = 10.0


async def wait_until_applied(events: grpc.aio.Channel, features: grpc.aio.Channel, progress: Progress) -> None:
    """Waits until the features know every event that the log holds now.

    Args:
        events: channel to the events service.
        features: channel to the features service.
        progress: where it says how far it is.

    Raises:
        CommandError: the features do not get any further.
    """
    log = event_service_pb2_grpc.EventServiceStub(events)
    status = await log.GetLogStatus(event_service_pb2.GetLogStatusRequest(), timeout=TIMEOUT_SECONDS)
    ends = {place.partition: place.offset for place in status.end_offsets}
    applied = await _applied(features, ends)
    with progress.task("applying events", sum(ends.values()) - applied.count) as task:
        stalled = 0.0
        while applied.count < sum(ends.values()):
            if stalled > STALLED_SECONDS:
                reason = f" ({applied.fault})" if applied.fault else ""
                raise CommandError(
                    f"the features service has {sum(ends.values()) - applied.count:,} events yet to apply and gets no "
                    f"further{reason}: its log in the state directory says why. Nothing is lost."
                )
            await asyncio.sleep(POLL_SECONDS)
            before, applied = applied, await _applied(features, ends)
            task.advance(applied.count - before.count)
            stalled = 0.0 if applied.count > before.count else stalled + POLL_SECONDS


@dataclass(frozen=True, slots=True)
class _Applied:
    count: int
    fault: str


async def _applied(features: grpc.aio.Channel, ends: dict[int, int]) -> _Applied:
    stub = feature_service_pb2_grpc.FeatureServiceStub(features)
    status = await stub.GetMaterializerStatus(
        feature_service_pb2.GetMaterializerStatusRequest(), timeout=TIMEOUT_SECONDS
    )
    offsets = {place.partition: place.offset for place in status.applied_offsets}
    # What was logged since does not count: a busy shop would never be waited for.
    return _Applied(sum(min(offsets.get(partition, 0), end) for partition, end in ends.items()), status.fault)
