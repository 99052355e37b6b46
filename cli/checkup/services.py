from collections.abc import Awaitable, Callable, Mapping

import grpc

from cli.checkup.finding import Finding, Verdict
from cli.checkup.lag import check_lag
from cli.checkup.left_out_vectors import left_out_vectors
from cli.launcher.health import health_of
from cli.shop import Shop
from vitrine.candidates.v1 import candidate_service_pb2, candidate_service_pb2_grpc
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
