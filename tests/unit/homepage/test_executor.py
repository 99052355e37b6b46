"""The executor owns order, failure and the checks; units own the rest."""

import asyncio
import time
from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from services.common.errors import UnavailableError
from services.homepage.degradation import Degradation
from services.homepage.pipeline.budget import Budget
from services.homepage.pipeline.candidates import Candidates, Removal
from services.homepage.pipeline.composer import Composer
from services.homepage.pipeline.executor import Pipeline, PipelineExecutor
from services.homepage.pipeline.run import Run, Trace
from services.homepage.pipeline.stages import Filter, Hydrator, Proposal, QueryHydrator, Scorer, Scores, Source
from services.homepage.pipeline.unit_runner import UnitRunner
from services.homepage.query import Query
from tests.unit.homepage.columns import candidates, query, states
from vitrine.homepage.v1 import page_pb2


class FakeHydrator(QueryHydrator):
    owns = frozenset({"user_vector"})
    dependency = "RANKER"

    def __init__(self, result: Mapping[str, object]) -> None:
        self.result = result

    async def hydrate(self, query: Query, seconds: float) -> Mapping[str, object]:
        return self.result


class FakeSource(Source):
    dependency = "CANDIDATES"
    failure_step = page_pb2.DEGRADATION_STEP_POPULAR

    def __init__(self, item_nos: Sequence[int] = (), error: Exception | None = None, delay: float = 0) -> None:
        self.item_nos = item_nos
        self.error = error
        self.delay = delay
        self.calls = 0

    async def get_candidates(self, query: Query, seconds: float) -> Proposal:
        self.calls += 1
        await asyncio.sleep(self.delay)
        if self.error is not None:
            raise self.error
        return Proposal(candidates(self.item_nos), "v1")


class FakeStates(Hydrator):
    owns = frozenset({"states"})
    dependency = "FEATURES"
    failure_step = page_pb2.DEGRADATION_STEP_STATIC

    def __init__(self, missing: int = 0) -> None:
        self.missing = missing

    async def hydrate(self, query: Query, candidates: Candidates, seconds: float) -> Mapping[str, object]:
        return {"states": states(len(candidates) - self.missing)}


class OddItemFilter(Filter):
    def filter(self, query: Query, candidates: Candidates) -> Sequence[Removal]:
        return [Removal(candidates.item_nos % 2 == 1, "ODD")]


class FakeScorer(Scorer):
    dependency = "RANKER"
    failure_step = page_pb2.DEGRADATION_STEP_SOURCE_ORDER

    def __init__(self, *values: float) -> None:
        self.values = values

    async def score(self, query: Query, candidates: Candidates, seconds: float) -> Scores:
        linear = Degradation(page_pb2.DEGRADATION_STEP_LINEAR, "MODEL_LATE")
        return Scores(np.array(self.values, np.float32), degradation=linear)


class Units:
    """A pipeline's units, as far as a test says."""

    def __init__(self) -> None:
        self.query_hydrators: list[QueryHydrator] = []
        self.sources: list[Source] = [FakeSource([1, 2, 4])]
        self.fallbacks: list[Source] = []
        self.hydrators: list[Hydrator] = [FakeStates()]
        self.scorers: list[Scorer] = []

    async def run(self, seconds: float = 1.0) -> Run:
        observed: list[Trace] = []
        runner = UnitRunner(observed.append)
        pipeline = Pipeline(
            [self.query_hydrators], self.sources, self.fallbacks, self.hydrators, [OddItemFilter()], self.scorers, []
        )
        run = Run(query(layout=EMPTY_LAYOUT), Budget(seconds, 0, time.perf_counter))
        await PipelineExecutor(pipeline, Composer([], [], runner), runner).execute(run)
        assert run.traces == observed
        return run


EMPTY_LAYOUT = type("Empty", (), {"shelves": (), "name": "empty"})()


def trace(run: Run, unit: str) -> Trace:
    return next(entry for entry in run.traces if entry.unit == unit)


async def test_the_stages_run_in_their_order_and_are_traced() -> None:
    units = Units()
    units.query_hydrators = [FakeHydrator({"user_vector": (1.0,)})]
    units.scorers = [FakeScorer(9, 8, 7)]
    run = await units.run()
    assert [entry.unit for entry in run.traces] == [
        "FakeHydrator",
        "FakeSource",
        "FakeStates",
        "OddItemFilter",
        "FakeScorer",
    ]
    assert run.query.user_vector == (1.0,)
    assert (trace(run, "OddItemFilter").input_count, trace(run, "OddItemFilter").output_count) == (3, 2)
    assert run.candidates.removed_by(0) == ("OddItemFilter", "ODD")
    assert run.candidates.values.tolist() == [9, 8, 7]
    assert run.ladder.step == page_pb2.DEGRADATION_STEP_LINEAR
    assert run.ladder.reasons == ["MODEL_LATE"]
    assert run.index_version == "v1"


async def test_a_query_hydrator_may_only_set_what_it_owns() -> None:
    units = Units()
    units.query_hydrators = [FakeHydrator({"language": "de"})]
    run = await units.run()
    assert run.query.language == "en"
    assert trace(run, "FakeHydrator").outcome == "failed"


def test_a_unit_that_owns_what_is_not_there_fails_when_the_pipeline_is_built() -> None:
    class Unknown(FakeHydrator):
        owns = frozenset({"no_such_field"})

    runner = UnitRunner(lambda _: None)
    pipeline = Pipeline([[Unknown({})]], [], [], [], [], [], [])
    with pytest.raises(ValueError, match="no_such_field"):
        PipelineExecutor(pipeline, Composer([], [], runner), runner)


async def test_columns_of_the_wrong_length_let_nothing_stand() -> None:
    units = Units()
    units.hydrators = [FakeStates(missing=1)]
    run = await units.run()
    assert not run.candidates.kept.any()
    assert run.candidates.removed_by(0) == ("FakeStates", "STATE_NOT_KNOWN")
    assert run.ladder.step == page_pb2.DEGRADATION_STEP_STATIC


@pytest.mark.parametrize("values", [(1.0, 2.0), (1.0, float("nan"), 2.0)])
async def test_scores_that_do_not_fit_leave_the_sources_order(values: tuple[float, ...]) -> None:
    units = Units()
    units.scorers = [FakeScorer(*values)]
    run = await units.run()
    assert run.candidates.values is run.candidates.fused_scores
    assert run.ladder.reasons == ["RANKER_UNAVAILABLE"]


async def test_the_others_carry_the_page_when_a_source_fails() -> None:
    units = Units()
    bug = FakeSource(error=KeyError("a bug"))
    units.sources = [bug, FakeSource([2])]
    run = await units.run()
    assert run.candidates.item_nos.tolist() == [2]
    assert [(entry.outcome, entry.reason) for entry in run.traces[:2]] == [("failed", "INTERNAL"), ("ok", "")]


async def test_a_fallback_is_asked_only_when_the_page_lost_its_footing() -> None:
    units = Units()
    fallback, further = FakeSource([8]), FakeSource([10])
    units.fallbacks = [FakeSource([]), fallback, further]
    run = await units.run()
    assert fallback.calls == 0
    units.sources = [FakeSource(error=UnavailableError("gone"))]
    run = await units.run()
    assert run.candidates.item_nos.tolist() == [8]
    assert further.calls == 0
    assert run.ladder.reasons == ["CANDIDATES_UNAVAILABLE"]


async def test_a_late_unit_is_given_up_within_its_share() -> None:
    units = Units()
    units.sources = [FakeSource([2], delay=10)]
    start = time.perf_counter()
    run = await units.run(seconds=0.2)
    assert time.perf_counter() - start < 0.2
    assert trace(run, "FakeSource").outcome == "late"
    assert run.ladder.reasons == ["CANDIDATES_LATE"]
