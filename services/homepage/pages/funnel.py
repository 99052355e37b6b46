"""The funnel: what happened to every candidate of a page."""

from collections.abc import Sequence

from google.protobuf.duration_pb2 import Duration

from services.homepage.cards.card_loader import LoadedItems
from services.homepage.pipeline.run import Run, Trace
from vitrine.homepage.v1 import page_pb2


def funnel_of(
    run: Run, shelves: Sequence[page_pb2.Shelf], dropped: Sequence[page_pb2.Shelf], loaded: LoadedItems
) -> page_pb2.Funnel:
    """Returns the funnel of a run and its shelves."""
    left_out = [
        page_pb2.Shelf(
            kind=shelf.kind, status=page_pb2.ShelfStatus(state=page_pb2.SHELF_STATE_DROPPED, reason=shelf.reason)
        )
        for shelf in run.composition.dropped
    ]
    return page_pb2.Funnel(
        candidates=_candidates(run, shelves, loaded),
        units=[_unit(trace) for trace in run.traces],
        dropped_shelves=[*left_out, *dropped],
    )


def _candidates(run: Run, shelves: Sequence[page_pb2.Shelf], loaded: LoadedItems) -> list[page_pb2.CandidateTrace]:
    candidates = run.candidates
    places = {card.item.item_id: (shelf.shelf_id, card.position) for shelf in shelves for card in shelf.cards}
    scores: list[dict[str, float]] = [{} for _ in range(len(candidates))]
    for name, proposed in candidates.sources.items():
        for index, score in zip(proposed.indexes.tolist(), proposed.scores.tolist(), strict=True):
            scores[index][name] = score
    traces: list[page_pb2.CandidateTrace] = []
    for index, item_no in enumerate(candidates.item_nos.tolist()):
        entry = loaded.items.get(item_no)
        item_id = entry.item.item_id if entry else ""
        removed_by, removed_reason = candidates.removed_by(index)
        if not removed_by and item_no in loaded.refusals:
            removed_by, removed_reason = "CardLoader", loaded.refusals[item_no]
        shelf_id, position = places.get(item_id, ("", 0))
        scored = not candidates.removed_by(index)[0]
        traces.append(
            page_pb2.CandidateTrace(
                item_id=item_id,
                item_no=item_no,
                source_scores=scores[index],
                fused_score=float(candidates.fused_scores[index]),
                action_probabilities={
                    action: float(column[index]) for action, column in candidates.probabilities.items() if scored
                },
                value=float(candidates.values[index]) if scored else 0.0,
                removed_by=removed_by,
                removed_reason=removed_reason,
                shelf_id=shelf_id,
                position=position,
            )
        )
    return traces


def _unit(trace: Trace) -> page_pb2.UnitTrace:
    duration = Duration()
    duration.FromMicroseconds(round(trace.seconds * 1e6))
    return page_pb2.UnitTrace(
        unit=trace.unit,
        stage=trace.stage,
        duration=duration,
        outcome=trace.outcome,
        reason=trace.reason,
        input_count=trace.input_count,
        output_count=trace.output_count,
    )
