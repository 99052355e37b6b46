from collections.abc import Awaitable, Callable, Mapping

import grpc

from cli.checkup.machine import Finding, Verdict
from cli.launcher.health import health_of
from cli.shop import Shop
from vitrine.candidates.v1 import candidate_service_pb2, candidate_service_pb2_grpc
from vitrine.candidates.v1.candidate_service_pb2 import GetIndexStatusResponse
from vitrine.candidates.v1.vector_status_pb2 import VectorFault
from vitrine.events.v1 import event_service_pb2, event_service_pb2_grpc
from vitrine.features.v1 import feature_service_pb2, feature_service_pb2_grpc
from vitrine.ranker.v1 import ranker_service_pb2, ranker_service_pb2_grpc

TIMEOUT_SECONDS = 3.0

Check = Callable[[str, Shop], Awaitable[Finding]]


async def check_services(shop: Shop) -> list[Finding]:
    """Whether the shop's processes serve, and whether what they work from is there and fresh."""
    health = {name: health_of(address) for name, address in shop.addresses().items()}
    findings = [_health(name, state, shop.addresses()[name]) for name, state in health.items()]
    checks: Mapping[str, tuple[tuple[str, ...], Check]] = {
        "features behind the log": (("events", "features"), check_lag),
        "candidates": (("candidates",), _candidates),
        "model": (("ranker",), _model),
    }
    for name, (needs, check) in checks.items():
        if all(health[need] == "SERVING" for need in needs):
            try:
                findings.append(await check(name, shop))
            except grpc.RpcError as error:
                findings.append(Finding(name, Verdict.FAULT, str(error.code()), f"look into the logs of {needs[-1]}"))
    return findings


def _health(name: str, state: str, address: str) -> Finding:
    if state == "SERVING":
        return Finding(name, Verdict.OK, f"SERVING at {address}")
    remedy = f"`vitrine up {name}` starts it" if state == "DOWN" else f"it is starting or stuck: see logs/{name}.log"
    return Finding(name, Verdict.FAULT, f"{state} at {address}", remedy)


async def _candidates(name: str, shop: Shop) -> Finding:
    async with shop.channel("candidates") as channel:
        status = await candidate_service_pb2_grpc.CandidateServiceStub(channel).GetIndexStatus(
            candidate_service_pb2.GetIndexStatusRequest(), timeout=TIMEOUT_SECONDS
        )
    text = f"{status.eligible_item_count:,} of {status.item_count:,} items may be shown"
    if status.refused_artifacts:
        return Finding(
            name,
            Verdict.WARNING,
            "; ".join(status.refused_artifacts),
            "train again: `vitrine train`; or take one as it is: `vitrine build use`",
        )
    if not status.item_count:
        return Finding(name, Verdict.WARNING, "the shop is empty", "`vitrine import --items FILE` fills it")
    if not status.versions.neighbors_version:
        return Finding(name, Verdict.WARNING, text + "; no neighbors", "`vitrine train` builds them")
    if status.vectors_fault:
        return Finding(
            name,
            Verdict.WARNING,
            f"{text}; {status.waiting_vector_count:,} new ones without a vector: {status.vectors_fault}",
            "`vitrine up ranker modelserver`, or `vitrine train`",
        )
    if left_out := left_out_vectors(status):
        return Finding(name, Verdict.WARNING, f"{text}; {left_out}", "send all vectors of a name with one length")
    return Finding(name, Verdict.OK, text)


async def _model(name: str, shop: Shop) -> Finding:
    async with shop.channel("ranker") as channel:
        status = await ranker_service_pb2_grpc.RankerServiceStub(channel).GetRankerStatus(
            ranker_service_pb2.GetRankerStatusRequest(), timeout=TIMEOUT_SECONDS
        )
    if status.model_available:
        return Finding(name, Verdict.OK, f"version {status.model_version or 'not asked yet'}")
    return Finding(
        name,
        Verdict.WARNING,
        status.model_fault,
        "`vitrine up modelserver` and `vitrine train`; until then the linear scorer ranks",
    )


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


def left_out_vectors(status: GetIndexStatusResponse) -> str:
    """Returns which items' named vectors are not compared, and why; empty: all are."""
    told = [
        f"vectors {vectors.name!r}: {left_out.item_count:,} items {_reason(left_out.fault)}"
        for vectors in status.named_vectors
        for left_out in vectors.left_out
    ]
    return "; ".join(told)


def _reason(fault: VectorFault.ValueType) -> str:
    return VectorFault.Name(fault).removeprefix("VECTOR_FAULT_")
