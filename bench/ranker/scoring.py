"""How long 300 candidates take through ranker and model server, and how many such requests the machine does."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from bench.candidates.load import measure
from cli.figures import Figures
from cli.shop import Shop
from vitrine.ranker.v1.ranker_service_pb2 import EncodeUserRequest, ScoreItemsRequest, Scorer
from vitrine.ranker.v1.ranker_service_pb2_grpc import RankerServiceStub

if TYPE_CHECKING:
    from vitrine.ranker.v1.ranker_service_pb2_grpc import RankerServiceAsyncStub

CALLERS: Final = 16
WARM_UP_SECONDS: Final = 1.0
SECONDS: Final = 5.0


async def score(stub: "RankerServiceAsyncStub", request: ScoreItemsRequest) -> None:
    """Asks for scores; raises RuntimeError where the model was not what gave them, unless the request wants that."""
    response = await stub.ScoreItems(request, timeout=1)
    expected = Scorer.SCORER_LINEAR if request.linear_only else Scorer.SCORER_MODEL
    if response.scorer != expected:
        raise RuntimeError(f"the model did not score: {response.fallback_reason}")


async def measure_scoring(figures: Figures, shop: Shop, requests: Sequence[ScoreItemsRequest]) -> None:
    """Says the figures: one caller's percentiles, and the throughput of 16."""
    linear = []
    for request in requests:
        linear.append(ScoreItemsRequest(linear_only=True))
        linear[-1].MergeFrom(request)
    async with shop.channel("ranker") as channel:
        stub: RankerServiceAsyncStub = RankerServiceStub(channel)

        async def encode(number: int) -> None:
            request = requests[number % len(requests)]
            await stub.EncodeUser(EncodeUserRequest(user=request.user, query_time=request.query_time), timeout=1)

        for name, call in (
            ("score300", lambda number: score(stub, requests[number % len(requests)])),
            ("linear300", lambda number: score(stub, linear[number % len(linear)])),
            ("encode_user", encode),
        ):
            await measure(call, WARM_UP_SECONDS)
            alone = await measure(call, SECONDS)
            together = await measure(call, SECONDS, CALLERS)
            figures.say(f"ranker.{name}_p50", alone.p50, "ms")
            figures.say(f"ranker.{name}_p99", alone.p99, "ms")
            figures.say(f"ranker.{name}_throughput_c{CALLERS}", together.rate, "/s")
            figures.say(f"ranker.{name}_failed", alone.failed + together.failed, "")
