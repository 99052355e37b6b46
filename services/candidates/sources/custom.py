import time
from typing import TYPE_CHECKING, ClassVar, Final

import grpc
import numpy as np

from services.candidates.proposals import Proposals, best, nothing
from services.candidates.query import Query
from services.candidates.sources.inputs import Inputs
from services.common.circuit_breaker import CircuitBreaker
from services.common.errors import UnavailableError
from services.common.timestamps import millis_to_timestamp
from vitrine.candidates.v1 import source_service_pb2 as pb

if TYPE_CHECKING:
    from vitrine.candidates.v1.source_service_pb2_grpc import SourceServiceAsyncStub

_LOOKED_AT: Final = 3


class Custom:
    """What a source of the shop's own proposes (vitrine.candidates.v1.SourceService), in the shop's order.

    Its deadline (`source_deadlines`) goes with the call. One that fails again and again is not asked for a while.
    """

    name: ClassVar[str] = "custom"
    quota: ClassVar[int] = 100
    weight: ClassVar[float] = 1.0

    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs
        self._breaker = CircuitBreaker(time.monotonic)

    def unready(self) -> str:
        if self._inputs.custom is None:
            return "the shop has no source of its own; VITRINE_CANDIDATES_CUSTOM_SOURCE_ADDRESS names one"
        return "it failed again and again and is not asked for a moment" if self._breaker.open else ""

    def applies(self, query: Query) -> bool:  # the shop knows
        return True

    async def propose(self, query: Query, quota: int) -> Proposals:
        stub = self._inputs.custom
        if stub is None or not self._breaker.allow():
            return nothing("it failed again and again and is not asked for a moment")
        with self._breaker.recording():
            response = await self._ask(stub, query, quota)
        return self._checked(response, query, quota)

    def _checked(self, response: pb.ProposeItemsResponse, query: Query, quota: int) -> Proposals:
        """Returns those proposals that may be made; what was not fit is told in the note."""
        columns, ids = self._inputs.columns, response.item_ids[: _LOOKED_AT * quota]
        scores = -np.arange(len(ids), dtype=np.float32)
        if response.scores:
            scores = np.array(response.scores[: len(ids)], np.float32)
        if len(scores) != len(ids):
            return nothing(f"it sent {len(response.scores)} scores for {len(response.item_ids)} items")
        item_nos = np.array([columns.item_no_of(item_id) for item_id in ids], np.uint32)
        distinct, first = np.unique(item_nos, return_index=True)
        first = np.sort(first[distinct > 0])
        first = first[query.eligibility.admits(item_nos[first])]
        evidence = None
        if len(response.evidence_item_ids) == len(response.item_ids):
            evidence = np.array([columns.item_no_of(response.evidence_item_ids[place]) for place in first], np.uint32)
        made = best(item_nos[first], scores[first], quota, evidence)
        unknown = int(np.count_nonzero(item_nos == 0))
        note = f"{unknown} of its items are not in the catalog" if unknown else ""
        return Proposals(made.item_nos, made.scores, made.evidence_item_nos, note)

    async def _ask(self, stub: "SourceServiceAsyncStub", query: Query, quota: int) -> pb.ProposeItemsResponse:
        settings = self._inputs.settings
        request = pb.ProposeItemsRequest(
            user=query.user,
            query_time=millis_to_timestamp(query.query_millis),
            filter=query.item_filter,
            limit=quota,
            context=query.context,
        )
        seconds = settings.source_deadlines.get(self.name, settings.source_deadline_seconds)
        try:
            return await stub.ProposeItems(request, timeout=seconds)
        except grpc.aio.AioRpcError as error:
            code = error.code().name
            raise UnavailableError(f"the shop's source answers {code}", reason=f"CUSTOM_SOURCE_{code}") from error
