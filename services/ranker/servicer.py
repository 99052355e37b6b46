"""`vitrine.ranker.v1.RankerService`: validates requests, calls scorers and encoders, marshals answers."""

from typing import Any, Final

import grpc
import numpy as np
from numpy.typing import NDArray

from services.common.deadlines import remaining
from services.common.telemetry.declarations import RANKER_NON_FINITE_SCORES, RANKER_SCORED_LISTS
from services.common.telemetry.metrics import Metrics
from services.common.timestamps import timestamp_to_millis
from services.common.validation import Violations
from services.ranker.behavior_model_client import BehaviorModelClient
from services.ranker.encoders import ItemEncoder, UserEncoder
from services.ranker.inputs.item_columns import ItemColumns
from services.ranker.inputs.user_columns import UserColumns
from services.ranker.ranker import Ranker
from services.ranker.scorers import ScoreQuery
from vitrine.ranker.v1 import ranker_service_pb2 as pb
from vitrine.ranker.v1 import ranker_service_pb2_grpc

MAX_ITEMS: Final = 2000
MAX_ITEM_NO: Final = 2**31 - 1
"""The model's tensors are signed integers."""

Context = grpc.aio.ServicerContext[Any, Any]


class RankerServicer(ranker_service_pb2_grpc.RankerServiceServicer):
    """`reserve_seconds` of each deadline are reserved for the linear scorer, in case the model doesn't answer."""

    def __init__(
        self,
        ranker: Ranker,
        user_encoder: UserEncoder,
        item_encoder: ItemEncoder,
        model: BehaviorModelClient,
        items: ItemColumns,
        *,
        metrics: Metrics,
        reserve_seconds: float,
    ) -> None:
        self._ranker = ranker
        self._user_encoder = user_encoder
        self._item_encoder = item_encoder
        self._model = model
        self._items = items
        self._scored_lists = metrics.counter(RANKER_SCORED_LISTS)
        self._non_finite_scores = metrics.counter(RANKER_NON_FINITE_SCORES)
        self._reserve_seconds = reserve_seconds

    async def ScoreItems(self, request: pb.ScoreItemsRequest, context: Context) -> pb.ScoreItemsResponse:
        violations = Violations()
        item_nos = _item_nos(violations, request, "send the best ones only")
        query_millis = _query_millis(violations, request)
        query = ScoreQuery(
            user=UserColumns.from_proto(request.user),
            item_nos=item_nos,
            query_millis=query_millis,
            model=request.model,
            seconds=remaining(context, self._reserve_seconds),
        )
        ranking = await self._ranker.rank(query, linear_only=request.linear_only)
        scores = ranking.scores
        self._scored_lists.labels(pb.Scorer.Name(scores.scorer), ranking.fallback_reason).inc()
        self._non_finite_scores.inc(ranking.non_finite_count)
        known = self._items.known[self._items.rows(item_nos)]
        return pb.ScoreItemsResponse(
            actions=[
                pb.ActionProbabilities(action=action, probabilities=np.nan_to_num(column).tolist())
                for action, column in scores.probabilities.items()
            ],
            values=ranking.values.tolist(),
            scorer=scores.scorer,
            fallback_reason=ranking.fallback_reason,
            model_version=scores.model_version,
            non_finite_count=ranking.non_finite_count,
            unknown_item_count=len(item_nos) - int(np.count_nonzero(known)),
        )

    async def EncodeUser(self, request: pb.EncodeUserRequest, context: Context) -> pb.EncodeUserResponse:
        query_millis = _query_millis(Violations(), request)
        user = UserColumns.from_proto(request.user)
        vector, version = await self._user_encoder.encode(user, query_millis, request.model, remaining(context))
        return pb.EncodeUserResponse(vector=vector.tolist(), model_version=version)

    async def EncodeItems(self, request: pb.EncodeItemsRequest, context: Context) -> pb.EncodeItemsResponse:
        violations = Violations()
        item_nos = _item_nos(violations, request, "send them in several calls")
        if len(np.unique(item_nos)) < len(item_nos):
            violations.add("item_nos", "contains an item twice; send each once")
        violations.raise_if_any()
        # Read before the vectors are computed: it must not promise changes that arrive in the meantime.
        catalog_version = self._items.catalog_version
        if catalog_version < request.catalog_version:
            return pb.EncodeItemsResponse(catalog_version=catalog_version)
        encoded = await self._item_encoder.encode(item_nos, request.model, remaining(context))
        return pb.EncodeItemsResponse(
            item_nos=encoded.item_nos.tolist(),
            vectors=encoded.vectors.ravel().tolist(),
            model_version=encoded.model_version,
            catalog_version=catalog_version,
        )

    async def GetRankerStatus(self, request: pb.GetRankerStatusRequest, context: Context) -> pb.GetRankerStatusResponse:
        fault = self._model.fault
        return pb.GetRankerStatusResponse(
            model_version=self._model.last_version,
            model_available=fault is None,
            model_fault="" if fault is None else str(fault),
            catalog_version=self._items.catalog_version,
            item_count=self._items.item_count,
        )


def _item_nos(
    violations: Violations, request: pb.ScoreItemsRequest | pb.EncodeItemsRequest, remedy: str
) -> NDArray[np.uint32]:
    """Returns the items of the request; adds a violation for each fault in them."""
    if violations.required("item_nos", request.item_nos, f"send 1 to {MAX_ITEMS} items"):
        violations.at_most("item_nos", request.item_nos, MAX_ITEMS, remedy)
    item_nos = np.array(request.item_nos, np.uint32)
    for place in np.flatnonzero((item_nos == 0) | (item_nos > MAX_ITEM_NO))[:1]:
        violations.add(f"item_nos[{place}]", f"is {item_nos[place]}; send a number from 1 to {MAX_ITEM_NO}")
    return item_nos


def _query_millis(violations: Violations, request: pb.ScoreItemsRequest | pb.EncodeUserRequest) -> int:
    """Returns the time of the request; raises InvalidArgumentError for it and all violations so far."""
    present = request.HasField("query_time")
    violations.required("query_time", request.query_time if present else None, "send the time of the page request")
    violations.raise_if_any()
    return timestamp_to_millis(request.query_time, "query_time")
