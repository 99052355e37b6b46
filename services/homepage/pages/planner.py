"""Turns the pipeline's columns into a planned page."""

import numpy as np

from services.homepage.degradation import Ladder
from services.homepage.pages.planned_page import PageHeader, PlannedPage, PlannedShelf
from services.homepage.pipeline.composition import ComposedShelf
from services.homepage.pipeline.run import Run
from services.homepage.reasons.columns import ReasonColumns
from services.homepage.reasons.explain import explain
from services.homepage.visitor_age import known_age
from vitrine.homepage.v1 import page_pb2, reason_pb2


def plan(run: Run, config_version: str) -> PlannedPage:
    """Returns the page of a finished run."""
    query = run.query
    shelves: list[PlannedShelf] = []
    if run.composition.shelves:
        reasons = explain(query, run.candidates)
        status = shelf_status(run.ladder)
        shelves = [_planned(run, shelf, reasons, status) for shelf in run.composition.shelves]
    header = PageHeader(
        page_id=query.page_id,
        serve_millis=query.serve_millis,
        language=query.language,
        visitor_age=known_age(query.user.attributes),
        step=run.ladder.step,
        degradation_reasons=tuple(run.ladder.reasons),
        experiments=query.experiments,
        versions=page_pb2.PageVersions(
            model_version=run.model_version, index_version=run.index_version, config_version=config_version
        ),
    )
    return PlannedPage(header, shelves)


def shelf_status(ladder: Ladder) -> page_pb2.ShelfStatus:
    """Returns the status of a page's shelves."""
    if ladder.step == page_pb2.DEGRADATION_STEP_FULL:
        return page_pb2.ShelfStatus(state=page_pb2.SHELF_STATE_OK)
    return page_pb2.ShelfStatus(state=page_pb2.SHELF_STATE_DEGRADED, reason=ladder.reasons[0])


def _planned(run: Run, shelf: ComposedShelf, reasons: ReasonColumns, status: page_pb2.ShelfStatus) -> PlannedShelf:
    draft = shelf.draft
    rows = np.concatenate([shelf.cards, shelf.spare])
    own = reasons.take(rows)
    if draft.leads_cards:
        own = own.led_by(draft.reason_kind, draft.evidence_item_no, draft.source)
    return PlannedShelf(
        shelf_id=shelf.shelf_id,
        kind=shelf.definition.kind,
        item_nos=run.candidates.item_nos[rows].tolist(),
        reasons=own,
        reason=reason_pb2.Reason(kind=draft.reason_kind, category_path=draft.category_path, source=draft.source),
        evidence_item_no=draft.evidence_item_no,
        status=status,
        card_limit=run.query.cards_per_shelf or shelf.definition.maximum_cards,
        minimum_cards=shelf.definition.minimum_cards,
        categories=draft.categories,
    )
