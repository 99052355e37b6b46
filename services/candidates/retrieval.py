import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import structlog
from numpy.typing import NDArray

from services.candidates.fusion import fuse
from services.candidates.metrics import CandidateMetrics
from services.candidates.proposals import Proposals, nothing
from services.candidates.query import Query
from services.candidates.sources.source import Source
from services.common.deadlines import answer_due
from services.common.errors import VitrineError
from vitrine.candidates.v1 import candidate_service_pb2 as pb


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one source fared."""

    source: str
    status: pb.SourceStatus.ValueType
    proposals: Proposals
    reason: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Retrieved:
    """Candidates with their fused scores, the best first, and how each source fared."""

    item_nos: NDArray[np.uint32]
    fused_scores: NDArray[np.float32]
    outcomes: Sequence[Outcome]


class Retriever:
    """Asks all sources at once and fuses what they propose. One that fails or is late is named, the rest goes on."""

    def __init__(
        self,
        sources: Sequence[Source],
        quotas: Mapping[str, int],
        weights: Mapping[str, float],
        deadline_seconds: float,
        metrics: CandidateMetrics,
        *,
        deadlines: Mapping[str, float] | None = None,
    ) -> None:
        self.names = [source.name for source in sources]
        self._sources = sources
        self._quotas = {source.name: source.quota for source in sources} | dict(quotas)
        self._weights = {source.name: source.weight for source in sources} | dict(weights)
        self._deadlines = {source.name: deadline_seconds for source in sources} | dict(deadlines or {})
        self._metrics = metrics
        self._log = structlog.get_logger("vitrine.candidates")

    async def retrieve(
        self,
        query: Query,
        limit: int,
        quotas: Mapping[str, int],
        seconds_left: float,
        weights: Mapping[str, float] | None = None,
    ) -> Retrieved:
        """Returns at most `limit` candidates. `quotas` and `weights` go before the configured ones; a quota of 0 turns
        a source off.
        """
        outcomes = await asyncio.gather(
            *(
                self._ask(
                    source,
                    query,
                    quotas.get(source.name, self._quotas[source.name]),
                    min(self._deadlines[source.name], seconds_left),
                )
                for source in self._sources
            )
        )
        weights = {**self._weights, **(weights or {})}
        item_nos, scores = fuse({made.source: made.proposals for made in outcomes}, weights, limit)
        unknown = [
            Outcome(name, pb.SOURCE_STATUS_OFF, nothing(), "there is no such source here")
            for name in sorted(quotas.keys() - set(self.names))
        ]
        return Retrieved(item_nos, scores, [*outcomes, *unknown])

    async def _ask(self, source: Source, query: Query, quota: int, deadline: float) -> Outcome:
        begin = time.perf_counter()
        status, proposals, reason = await self._propose(source, query, quota, deadline)
        seconds = time.perf_counter() - begin
        self._metrics.source_asked(source.name, pb.SourceStatus.Name(status).removeprefix("SOURCE_STATUS_"), seconds)
        return Outcome(source.name, status, proposals, reason, seconds)

    async def _propose(
        self, source: Source, query: Query, quota: int, deadline: float
    ) -> tuple[pb.SourceStatus.ValueType, Proposals, str]:
        if quota <= 0:
            return pb.SOURCE_STATUS_OFF, nothing(), ""
        try:
            if reason := source.unready():
                return pb.SOURCE_STATUS_NOT_READY, nothing(), reason
            if not source.applies(query):
                return pb.SOURCE_STATUS_NOT_APPLICABLE, nothing(), ""
            # The source's own time: a client that has less, or goes away, says nothing about what the source asks.
            answer_due.set(asyncio.get_running_loop().time() + self._deadlines[source.name])
            async with asyncio.timeout(deadline):
                proposals = await source.propose(query, quota)
        except TimeoutError:
            return pb.SOURCE_STATUS_LATE, nothing(), f"no answer within {deadline * 1000:.0f} ms"
        except VitrineError as error:
            return pb.SOURCE_STATUS_FAILED, nothing(), error.reason
        except Exception as error:  # noqa: BLE001  # whatever goes wrong in one source, the others carry the answer
            self._log.exception("source failed", source=source.name)
            return pb.SOURCE_STATUS_FAILED, nothing(), type(error).__name__
        return pb.SOURCE_STATUS_OK, proposals, proposals.note
