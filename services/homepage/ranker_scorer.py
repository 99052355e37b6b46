from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from services.common.errors import InternalError
from services.common.numeric import finite_or
from services.common.timestamps import millis_to_timestamp
from services.homepage.clients.columns import column
from services.homepage.clients.ranker_client import Ranker
from services.homepage.degradation import Degradation
from services.homepage.pipeline.candidates import Candidates, Floats
from services.homepage.pipeline.stages import Scorer, Scores
from services.homepage.query import Query
from vitrine.candidates.v1.candidate_service_pb2 import SourceColumns
from vitrine.homepage.v1 import page_pb2
from vitrine.ranker.v1 import ranker_service_pb2


class RankerScorer(Scorer):
    """Scores with the ranker. If it doesn't answer, the sources' fused order remains."""

    share = 0.55
    dependency = "RANKER"
    failure_step = page_pb2.DEGRADATION_STEP_SOURCE_ORDER

    def __init__(self, ranker: Ranker) -> None:
        self._ranker = ranker

    async def score(self, query: Query, candidates: Candidates, seconds: float) -> Scores:
        kept = np.flatnonzero(candidates.kept)
        request = ranker_service_pb2.ScoreItemsRequest(
            user=query.user,
            item_nos=candidates.item_nos[kept].tolist(),
            query_time=millis_to_timestamp(query.query_millis),
            sources=_sources(candidates, kept),
            context=query.context,
            linear_only=query.parameters.linear_only,
            model=query.parameters.model,
        )
        response = await self._ranker.score(request, seconds)
        return Scores(
            values=_spread(candidates, kept, response.values),
            probabilities={
                ranker_service_pb2.Action.Name(action.action).removeprefix("ACTION_"): _spread(
                    candidates, kept, action.probabilities
                )
                for action in response.actions
            },
            model_version=response.model_version,
            degradation=_degradation(query, response),
        )


def _sources(candidates: Candidates, kept: NDArray[np.intp]) -> list[SourceColumns]:
    """Returns the sources' columns of the kept candidates, indexed by position in the request."""
    target = np.full(len(candidates), -1, np.int32)
    target[kept] = np.arange(len(kept), dtype=np.int32)
    moved = {name: proposed.moved(target) for name, proposed in candidates.sources.items()}
    return [
        SourceColumns(
            source=name,
            positions=proposed.indexes.tolist(),
            scores=proposed.scores.tolist(),
            evidence_item_nos=proposed.evidence_item_nos.tolist(),
        )
        for name, proposed in moved.items()
        if len(proposed.indexes)
    ]


def _spread(candidates: Candidates, kept: NDArray[np.intp], values: Sequence[float]) -> Floats:
    """Expands a column of the kept candidates to all candidates; values that aren't finite become the minimum."""
    scores = column(values, np.float32)
    if len(scores) != len(kept):
        raise InternalError(f"the ranker scored {len(scores)} of {len(kept)} candidates", reason="COLUMN_LENGTH")
    finite = scores[np.isfinite(scores)]
    least = float(finite.min()) if len(finite) else 0.0
    spread = np.full(len(candidates), least, np.float32)
    spread[kept] = finite_or(scores, least)
    return spread


def _degradation(query: Query, response: ranker_service_pb2.ScoreItemsResponse) -> Degradation | None:
    asked = query.parameters.linear_only
    if response.scorer != ranker_service_pb2.SCORER_LINEAR or asked:
        return None
    return Degradation(page_pb2.DEGRADATION_STEP_LINEAR, response.fallback_reason or "MODEL_UNAVAILABLE")
