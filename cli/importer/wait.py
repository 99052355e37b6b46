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
    """Waits until the features know every event that the log holds now, whichever of several feature stores is asked.

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
    saved = await _saved(features, ends)
    with progress.task("applying events", sum(ends.values()) - saved.count) as task:
        stalled = 0.0
        while saved.count < sum(ends.values()):
            if stalled > STALLED_SECONDS:
                reason = f" ({saved.fault})" if saved.fault else ""
                raise CommandError(
                    f"the features service has {sum(ends.values()) - saved.count:,} events yet to apply and gets no "
                    f"further{reason}: its log in the state directory says why. Nothing is lost."
                )
            await asyncio.sleep(POLL_SECONDS)
            latest = await _saved(features, ends)
            # Another one may have answered, and have heard of less.
            gained = max(latest.count - saved.count, 0)
            task.advance(gained)
            stalled = 0.0 if gained else stalled + POLL_SECONDS
            saved = _Saved(saved.count + gained, latest.fault)


@dataclass(frozen=True, slots=True)
class _Saved:
    count: int
    fault: str


async def _saved(features: grpc.aio.Channel, ends: dict[int, int]) -> _Saved:
    stub = feature_service_pb2_grpc.FeatureServiceStub(features)
    status = await stub.GetMaterializerStatus(
        feature_service_pb2.GetMaterializerStatusRequest(), timeout=TIMEOUT_SECONDS
    )
    # What one feature store has applied and not saved is known to no other one yet.
    offsets = {place.partition: place.offset for place in status.saved_offsets}
    # What was logged since does not count: a busy shop would never be waited for.
    return _Saved(sum(min(offsets.get(partition, 0), end) for partition, end in ends.items()), status.fault)
