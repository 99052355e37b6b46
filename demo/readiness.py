import asyncio
import time

import grpc

from cli.errors import CommandError
from cli.shop import Shop
from services.common.progress import Progress
from vitrine.candidates.v1 import candidate_service_pb2, candidate_service_pb2_grpc
from vitrine.ranker.v1 import ranker_service_pb2, ranker_service_pb2_grpc

TIMEOUT_SECONDS = 5.0
POLL_SECONDS = 0.2
GIVE_UP_SECONDS = 120.0


async def wait_until_complete(shop: Shop, progress: Progress) -> None:
    """Waits until the services have loaded what was trained: neighbours, item vectors, the behaviour model.

    Raises:
        CommandError: something is not loaded in time; the message says what.
    """
    give_up = time.monotonic() + GIVE_UP_SECONDS
    missing = {"neighbours", "item vectors", "behaviour model"}
    async with shop.channel("candidates") as candidates, shop.channel("ranker") as ranker:
        index = candidate_service_pb2_grpc.CandidateServiceStub(candidates)
        ranking = ranker_service_pb2_grpc.RankerServiceStub(ranker)
        with progress.task("loading what was trained", len(missing)) as task:
            while missing:
                loaded = await _loaded(index, ranking) & missing
                task.advance(len(loaded))
                missing -= loaded
                if missing and time.monotonic() > give_up:
                    raise CommandError(f"not loaded after {GIVE_UP_SECONDS:.0f} s: {', '.join(sorted(missing))}")
                if missing:
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
        "neighbours": status.versions.neighbors_version,
        "item vectors": status.versions.embeddings_version,
        "behaviour model": ranker.model_available,
    }
    return {name for name, there in loaded.items() if there}
