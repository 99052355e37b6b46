import asyncio
import time

import grpc

from cli.errors import CommandError
from cli.shop import Shop
from services.common.progress import Progress
from vitrine.candidates.v1 import candidate_service_pb2, candidate_service_pb2_grpc
from vitrine.common.v1 import visitor_pb2
from vitrine.homepage.v1 import homepage_service_pb2, homepage_service_pb2_grpc, page_pb2
from vitrine.ranker.v1 import ranker_service_pb2, ranker_service_pb2_grpc

TIMEOUT_SECONDS = 5.0
POLL_SECONDS = 0.2
GIVE_UP_SECONDS = 120.0

FULL = frozenset({page_pb2.DEGRADATION_STEP_FULL})
UP_TO_LINEAR = FULL | {page_pb2.DEGRADATION_STEP_LINEAR}


LINEAR = frozenset({"neighbors", "pages"})
MODEL = frozenset({"neighbors", "item vectors", "behavior model", "pages"})


async def wait_until_loaded(shop: Shop, progress: Progress, wanted: frozenset[str]) -> None:
    """Waits until the services have loaded what was published, and the gateway serves pages with it.

    Args:
        shop: the running shop.
        progress: told how much is loaded.
        wanted: `LINEAR` or `MODEL`.

    Raises:
        CommandError: something isn't loaded in time; the message says what.
    """
    give_up = time.monotonic() + GIVE_UP_SECONDS
    steps = FULL if wanted is MODEL else UP_TO_LINEAR
    missing = set(wanted)
    async with (
        shop.channel("candidates") as candidates,
        shop.channel("ranker") as ranker,
        shop.channel("homepage") as homepage,
    ):
        index = candidate_service_pb2_grpc.CandidateServiceStub(candidates)
        ranking = ranker_service_pb2_grpc.RankerServiceStub(ranker)
        gateway = homepage_service_pb2_grpc.HomepageServiceStub(homepage)
        with progress.task("loading what was published", len(missing)) as task:
            while missing:
                loaded = await _loaded(index, ranking) if missing != {"pages"} else await _pages(gateway, steps)
                loaded &= missing
                task.advance(len(loaded))
                missing -= loaded
                if missing and time.monotonic() > give_up:
                    raise CommandError(f"not loaded after {GIVE_UP_SECONDS:.0f} s: {', '.join(sorted(missing))}")
                if missing and not loaded:
                    await asyncio.sleep(POLL_SECONDS)


async def _loaded(
    index: "candidate_service_pb2_grpc.CandidateServiceAsyncStub",
    ranking: "ranker_service_pb2_grpc.RankerServiceAsyncStub",
) -> set[str]:
    try:
        status = await index.GetIndexStatus(candidate_service_pb2.GetIndexStatusRequest(), timeout=TIMEOUT_SECONDS)
        ranker = await ranking.GetRankerStatus(ranker_service_pb2.GetRankerStatusRequest(), timeout=TIMEOUT_SECONDS)
    except grpc.RpcError:
        return set()
    loaded = {
        "neighbors": status.versions.neighbors_version,
        "item vectors": status.versions.embeddings_version,
        "behavior model": ranker.model_available,
    }
    return {name for name, there in loaded.items() if there}


async def _pages(gateway: "homepage_service_pb2_grpc.HomepageServiceAsyncStub", steps: frozenset[int]) -> set[str]:
    request = homepage_service_pb2.GetHomepageRequest(
        visitor=visitor_pb2.Visitor(anonymous_id="demo-readiness"), unlogged=True
    )
    try:
        page = (await gateway.GetHomepage(request, timeout=TIMEOUT_SECONDS)).page
    except grpc.RpcError:
        return set()
    return {"pages"} if page.degradation_step in steps else set()
