"""Runs the stages of a page in their order."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any

import numpy as np

from services.homepage.pipeline.candidates import Candidates, Removal, merge
from services.homepage.pipeline.composer import Composer
from services.homepage.pipeline.run import Run
from services.homepage.pipeline.stages import (
    Filter,
    Hydrator,
    Proposal,
    QueryHydrator,
    Scorer,
    Scores,
    Source,
)
from services.homepage.pipeline.unit_runner import ContractViolation, UnitRunner
from services.homepage.query import Query


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The units of a page in the order in which they run.

    Attributes:
        query_hydrators: waves; those of one wave run in parallel and see the results of the previous waves.
        sources: run in parallel.
        fallback_sources: asked in turn, until one proposes something, if a required source failed.
        hydrators: run in parallel.
        filters: decide whether an item may be shown, and whether the visitor wants it.
        scorers: run in order.
        final_filters: filters that need to know the values.
    """

    query_hydrators: Sequence[Sequence[QueryHydrator]]
    sources: Sequence[Source]
    fallback_sources: Sequence[Source]
    hydrators: Sequence[Hydrator]
    filters: Sequence[Filter]
    scorers: Sequence[Scorer]
    final_filters: Sequence[Filter]


class PipelineExecutor:
    """Owns order, parallelism, timing, failures and length checks; the units own everything else.

    Construction raises ValueError if a hydrator claims a field that doesn't exist.
    """

    def __init__(self, pipeline: Pipeline, composer: Composer, runner: UnitRunner) -> None:
        self._pipeline = pipeline
        self._composer = composer
        self._runner = runner
        _check_owned((unit for wave in pipeline.query_hydrators for unit in wave), Query)
        _check_owned(pipeline.hydrators, Candidates)

    async def execute(self, run: Run) -> None:
        """Takes the run from its query to a composition of shelves."""
        for wave in self._pipeline.query_hydrators:
            await self._hydrate_query(run, wave)
        await self._gather(run)
        await self._qualify(run)
        if run.candidates.kept.any():
            for scorer in self._pipeline.scorers:
                await self._score(run, scorer)
        self._filter(run, self._pipeline.final_filters)
        if run.candidates.states is not None:
            run.composition = self._composer.compose(run)

    async def _hydrate_query(self, run: Run, wave: Sequence[QueryHydrator]) -> None:
        query = run.query
        results = await asyncio.gather(
            *(
                self._runner.call(
                    run, "query_hydrator", unit, partial(unit.hydrate, query), check=partial(_check_fields, unit.owns)
                )
                for unit in wave
            )
        )
        for result in results:
            if result is not None:
                run.query = replace(run.query, **_keywords(result))

    async def _gather(self, run: Run) -> None:
        proposals = await asyncio.gather(*(self._propose(run, unit) for unit in self._pipeline.sources))
        found = [proposal for proposal in proposals if proposal is not None]
        if any(
            proposal is None and unit.failure_step is not None and unit.enable(run.query)
            for unit, proposal in zip(self._pipeline.sources, proposals, strict=True)
        ):
            for unit in self._pipeline.fallback_sources:
                proposal = await self._propose(run, unit)
                if proposal is not None and len(proposal.candidates):
                    found.append(proposal)
                    break
        for proposal in found:
            run.index_version = run.index_version or proposal.index_version
        run.candidates = merge([proposal.candidates for proposal in found])

    async def _propose(self, run: Run, unit: Source) -> Proposal | None:
        return await self._runner.call(
            run, "source", unit, partial(unit.get_candidates, run.query), check=_proposed_count
        )

    async def _qualify(self, run: Run) -> None:
        """Hydrates and filters. If a hydrator failed, no candidate is known to be allowed and none is kept."""
        count = len(run.candidates)
        if not count:
            return
        results = await asyncio.gather(
            *(
                self._runner.call(
                    run,
                    "hydrator",
                    unit,
                    partial(unit.hydrate, run.query, run.candidates),
                    check=partial(_check_columns, unit.owns, count),
                    input_count=count,
                )
                for unit in self._pipeline.hydrators
            )
        )
        for unit, result in zip(self._pipeline.hydrators, results, strict=True):
            if result is None:
                run.candidates.remove(np.ones(count, np.bool_), unit.name, "STATE_NOT_KNOWN")
                return
            for name, column in result.items():
                setattr(run.candidates, name, column)
        self._filter(run, self._pipeline.filters)

    def _filter(self, run: Run, filters: Sequence[Filter]) -> None:
        candidates = run.candidates
        for unit in filters:
            kept = int(np.count_nonzero(candidates.kept))
            if not kept:
                return
            hook = partial(unit.filter, run.query, candidates)
            self._runner.compute(
                run, "filter", unit, hook, check=partial(_apply_removals, unit, candidates), input_count=kept
            )

    async def _score(self, run: Run, unit: Scorer) -> None:
        candidates = run.candidates
        count = int(np.count_nonzero(candidates.kept))
        scores = await self._runner.call(
            run,
            "scorer",
            unit,
            partial(unit.score, run.query, candidates),
            check=partial(_check_scores, candidates),
            input_count=count,
        )
        if scores is None:
            return
        candidates.values = scores.values
        candidates.probabilities = dict(scores.probabilities)
        run.model_version = scores.model_version
        if scores.degradation is not None:
            run.ladder.descend(scores.degradation)


def _check_owned(units: Any, target: type) -> None:
    names = {field.name for field in fields(target)}
    for unit in units:
        if unknown := unit.owns - names:
            raise ValueError(f"{unit.name} owns {sorted(unknown)}, which {target.__name__} doesn't have")


def _keywords(values: Mapping[str, object]) -> dict[str, Any]:
    return dict(values)


def _check_fields(owns: frozenset[str], values: Mapping[str, object]) -> int:
    if unknown := values.keys() - owns:
        raise ContractViolation(f"set {sorted(unknown)} without owning them")
    return 0


def _check_columns(owns: frozenset[str], count: int, columns: Mapping[str, Any]) -> int:
    _check_fields(owns, columns)
    for name, column in columns.items():
        if len(column) != count:
            raise ContractViolation(f"column {name} has {len(column)} elements for {count} candidates")
    return count


def _check_scores(candidates: Candidates, scores: Scores) -> int:
    for column in (scores.values, *scores.probabilities.values()):
        if len(column) != len(candidates):
            raise ContractViolation(f"scored {len(column)} of {len(candidates)} candidates")
    if not np.isfinite(scores.values).all():
        raise ContractViolation("a value isn't finite")
    return int(np.count_nonzero(candidates.kept))


def _proposed_count(proposal: Proposal) -> int:
    return len(proposal.candidates)


def _apply_removals(unit: Filter, candidates: Candidates, removals: Sequence[Removal]) -> int:
    for removal in removals:
        candidates.remove(removal.mask, unit.name, removal.reason)
    return int(np.count_nonzero(candidates.kept))
