"""Between the contract's messages and the domain's types."""

import numpy as np
from google.protobuf.duration_pb2 import Duration

from services.candidates.catalog.filter_masks import FilterMasks
from services.candidates.eligibility import Eligibility
from services.candidates.history import History
from services.candidates.query import Query
from services.candidates.retrieval import Outcome, Retrieved
from services.candidates.sources.inputs import Inputs
from services.candidates.vectors.named_vectors import VectorStatus
from services.candidates.visitor import Taste, groups_of
from services.common.sorted_lookup import distinct
from services.common.timestamps import timestamp_to_millis
from vitrine.candidates.v1 import candidate_service_pb2 as pb
from vitrine.candidates.v1 import vector_status_pb2 as vectors_pb
from vitrine.common.v1.item_filter_pb2 import ItemFilter


def query_of(request: pb.RetrieveCandidatesRequest, inputs: Inputs, masks: FilterMasks) -> Query:
    """Returns what the sources are asked. Items that the visitor does not want are as good as excluded."""
    query_millis = timestamp_to_millis(request.query_time, "query_time")
    excluded = [*request.excluded_item_nos, *request.user.disliked_item_nos]
    return Query(
        query_millis=query_millis,
        history=History.of(request.user, query_millis, inputs.settings.history),
        taste=Taste(request.user.category_affinities),
        eligibility=eligibility_of(request.filter, excluded, query_millis, inputs, masks),
        user_vector=np.array(request.user_vector, np.float32),
        user_vector_version=request.user_vector_version,
        context=dict(request.context),
        user=request.user,
        groups=groups_of(request.user.attributes, inputs.settings.tastes.group_attributes, request.context),
        item_filter=request.filter,
    )


def eligibility_of(
    item_filter: ItemFilter, excluded: list[int], query_millis: int, inputs: Inputs, masks: FilterMasks
) -> Eligibility:
    """Returns which items may be answered with."""
    return Eligibility(
        columns=inputs.columns,
        mask=masks.mask(item_filter),
        excluded_item_nos=distinct(np.array(excluded, np.uint32)),
        query_millis=query_millis,
        filtered=item_filter.ByteSize() > 0,
        item_filter=item_filter,
    )


def response_of(retrieved: Retrieved, versions: pb.IndexVersions) -> pb.RetrieveCandidatesResponse:
    """Returns candidates, proposals and outcomes in columns; proposals beyond the limit are left out."""
    order = np.argsort(retrieved.item_nos)
    ascending = retrieved.item_nos[order]
    response = pb.RetrieveCandidatesResponse(
        item_nos=retrieved.item_nos.tolist(), fused_scores=retrieved.fused_scores.tolist(), versions=versions
    )
    for outcome in retrieved.outcomes:
        response.outcomes.append(_outcome(outcome))
        proposals = outcome.proposals
        if not len(proposals) or not len(ascending):
            continue
        places = np.minimum(np.searchsorted(ascending, proposals.item_nos), len(ascending) - 1)
        kept = ascending[places] == proposals.item_nos
        columns = pb.SourceColumns(
            source=outcome.source,
            positions=order[places[kept]].tolist(),
            scores=proposals.scores[kept].tolist(),
        )
        if proposals.evidence_item_nos is not None:
            columns.evidence_item_nos.extend(proposals.evidence_item_nos[kept].tolist())
        response.sources.append(columns)
    return response


def vector_status_of(status: VectorStatus) -> vectors_pb.VectorStatus:
    """Returns how the vectors of one name stand."""
    return vectors_pb.VectorStatus(
        name=status.name,
        dimensions=status.dimensions,
        weight=status.weight,
        item_count=status.item_count,
        left_out=[
            vectors_pb.LeftOutVectors(fault=vectors_pb.VectorFault.Value(f"VECTOR_FAULT_{fault}"), item_count=count)
            for fault, count in status.left_out.items()
        ],
    )


def _outcome(outcome: Outcome) -> pb.SourceOutcome:
    return pb.SourceOutcome(
        source=outcome.source,
        status=outcome.status,
        reason=outcome.reason,
        duration=Duration(nanos=min(int(outcome.seconds * 1e9), 999_999_999)),
        proposed_count=len(outcome.proposals),
    )
