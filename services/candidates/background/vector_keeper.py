import asyncio
import time
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Final

import grpc
import numpy as np
import structlog
from numpy.typing import NDArray

from services.candidates.metrics import CandidateMetrics
from services.candidates.sources.inputs import Inputs
from services.candidates.vectors.new_items import MOST, NewItems
from services.common.circuit_breaker import CircuitBreaker
from services.common.errors import FailedPreconditionError, VitrineError
from services.common.rpc_status import from_rpc_error
from vitrine.ranker.v1.ranker_service_pb2 import EncodeItemsRequest, EncodeItemsResponse

if TYPE_CHECKING:
    from vitrine.ranker.v1.ranker_service_pb2_grpc import RankerServiceAsyncStub

_BATCH: Final = 512
_TIMEOUT_SECONDS: Final = 2.0
_ROOM: Final = "as many items as can be were added since the training; train again"


class VectorKeeper:
    """Has items that came or changed after the training encoded by the ranker, by the model of the loaded vectors: a
    new item is found by `embedding` within a second. While the ranker cannot, they wait, and all else goes on.
    """

    def __init__(
        self,
        ranker: "RankerServiceAsyncStub",
        inputs: Inputs,
        metrics: CandidateMetrics,
        threads: Executor,
        most: int = MOST,
    ) -> None:
        self._ranker = ranker
        self._inputs = inputs
        self._metrics = metrics
        self._threads = threads
        self._most = most
        self._new_items: NewItems | None = None
        self._looked_at = -1
        self._breaker = CircuitBreaker(time.monotonic)
        self._log = structlog.get_logger("vitrine.candidates")

    async def keep(self) -> None:
        """Encodes what waits, as far as it can be done now."""
        inputs, trained = self._inputs, self._inputs.embeddings.value
        if trained is None:
            self._count(0)
            return
        if self._new_items is None or self._new_items.trained is not trained:
            self._new_items, self._looked_at = NewItems(trained, inputs.columns, self._most), -1
            inputs.new_vectors = None  # it keeps the former training's vectors
        while inputs.embeddings.value is trained and inputs.columns.content_revision != self._looked_at:
            revision = inputs.columns.content_revision
            wanted = self._new_items.wanted()
            self._count(len(wanted))
            if not len(wanted):
                self._looked_at = revision
                self._note("")
                return
            batch = self._new_items.admitted(wanted, _BATCH)
            if not len(batch):
                self._looked_at = revision
                self._note(_ROOM)
                return
            if not self._breaker.allow() or not await self._encode(self._new_items, batch):
                return

    async def _encode(self, new_items: NewItems, batch: NDArray[np.uint32]) -> bool:
        """Returns whether the batch was encoded; if not, why is noted or will pass."""
        columns = self._inputs.columns
        marks, version = columns.content_marks[batch], columns.version
        request = EncodeItemsRequest(
            item_nos=batch.tolist(), model=new_items.trained.model_version, catalog_version=version
        )
        try:
            answer = await self._ask(request)
            vectors = _vectors(answer, new_items.trained.dimensions, new_items.trained.model_version)
        except VitrineError as error:
            self._breaker.failed()
            self._note(f"{error.reason}: {error.message}")
            return False
        self._breaker.succeeded()
        self._note("")
        if answer.catalog_version < version:
            return False
        item_nos = np.array(answer.item_nos, np.uint32)
        adding = asyncio.get_running_loop().run_in_executor
        await adding(self._threads, new_items.add, batch, marks, item_nos, vectors)
        self._inputs.new_vectors = new_items.vectors
        return True

    async def _ask(self, request: EncodeItemsRequest) -> EncodeItemsResponse:
        try:
            return await self._ranker.EncodeItems(request, timeout=_TIMEOUT_SECONDS)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from error

    def _count(self, waiting: int) -> None:
        self._inputs.waiting_vectors = waiting
        self._metrics.vectors_waiting(waiting)

    def _note(self, fault: str) -> None:
        """Keeps the fault for the status; logs where there was none before, or none is left."""
        before, self._inputs.vectors_fault = self._inputs.vectors_fault, fault
        if fault and not before:
            self._log.warning("new items are not encoded", reason=fault)
        elif before and not fault:
            self._log.info("new items are encoded again")


def _vectors(answer: EncodeItemsResponse, dimensions: int, model_version: str) -> NDArray[np.float32]:
    """Returns float32[items, dimensions]; raises FailedPreconditionError where they are not what was asked for."""
    count = len(answer.item_nos)
    if count and answer.model_version != model_version:
        raise FailedPreconditionError(
            f"the ranker encodes by model {answer.model_version!r}, the item vectors are of {model_version!r}"
        )
    if len(answer.vectors) != count * dimensions:
        raise FailedPreconditionError(
            f"the ranker sent {len(answer.vectors)} numbers for {count} vectors of {dimensions}"
        )
    vectors = np.array(answer.vectors, np.float32).reshape(count, dimensions)
    if not np.isfinite(vectors).all():
        raise FailedPreconditionError("the ranker sent vectors that are not finite")
    return vectors
