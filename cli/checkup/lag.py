from cli.checkup.finding import Finding, Verdict
from cli.shop import Shop
from vitrine.events.v1 import event_service_pb2, event_service_pb2_grpc
from vitrine.features.v1 import feature_service_pb2, feature_service_pb2_grpc

TIMEOUT_SECONDS = 3.0
MUCH_BEHIND = 10_000


async def check_lag(name: str, shop: Shop) -> Finding:
    """How many events of the log the features do not know yet; whichever of several feature stores answers."""
    async with shop.channel("events") as events, shop.channel("features") as features:
        log = await event_service_pb2_grpc.EventServiceStub(events).GetLogStatus(
            event_service_pb2.GetLogStatusRequest(), timeout=TIMEOUT_SECONDS
        )
        status = await feature_service_pb2_grpc.FeatureServiceStub(features).GetMaterializerStatus(
            feature_service_pb2.GetMaterializerStatusRequest(), timeout=TIMEOUT_SECONDS
        )
    if status.fault:
        return Finding(name, Verdict.FAULT, status.fault, "see logs/features.log; it tries again by itself")
    # What one feature store has applied and cannot save is known to no other one.
    saved = {place.partition: place.offset for place in status.saved_offsets}
    behind = sum(max(place.offset - saved.get(place.partition, 0), 0) for place in log.end_offsets)
    if behind > MUCH_BEHIND:
        return Finding(name, Verdict.WARNING, f"{behind:,} events", "wait: it catches up at some 10,000 a second")
    if status.parked_event_count:
        return Finding(
            name,
            Verdict.WARNING,
            f"{status.parked_event_count:,} events could not be applied",
            "see `vitrine features parked`, and once the cause is fixed, `vitrine rebuild`",
        )
    return Finding(name, Verdict.OK, f"{behind:,} events")
