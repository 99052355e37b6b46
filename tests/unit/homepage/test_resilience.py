"""Breakers, shared values, the page log's queue, experiments, settings."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from pydantic import ValidationError

from services.common.circuit_breaker import CircuitBreaker
from services.common.errors import InvalidArgumentError, UnavailableError
from services.common.telemetry.metrics import Metrics
from services.homepage.clients.refreshed import Refreshed
from services.homepage.experiments import Bucket, Experiment, Experiments
from services.homepage.metrics import HomepageMetrics
from services.homepage.parameters import PageParameters
from services.homepage.pipeline.budget import Budget
from services.homepage.settings import HomepageSettings
from services.homepage.side_effects.page_log_side_effect import PageLogSideEffect
from tests.unit.homepage.columns import query
from vitrine.events.v1.event_service_pb2 import PageRecord
from vitrine.homepage.v1 import page_pb2


class FakeElapsed:
    """A clock of seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_breaker_opens_tries_once_and_closes() -> None:
    clock = FakeElapsed()
    breaker = CircuitBreaker(clock, threshold=3, cooldown=1, longest_cooldown=3)
    for _ in range(2):
        breaker.failed()
    assert breaker.allow()
    breaker.failed()
    assert breaker.open
    assert not breaker.allow()
    clock.now += 1
    assert [breaker.allow(), breaker.allow()] == [True, False]  # one tries, the others wait
    breaker.failed()
    clock.now += 1.9
    assert not breaker.allow()
    clock.now += 0.1
    assert breaker.allow()
    breaker.succeeded()
    assert [breaker.allow(), breaker.allow()] == [True, True]


def test_a_breaker_waits_no_longer_than_its_longest() -> None:
    clock = FakeElapsed()
    breaker = CircuitBreaker(clock, threshold=1, cooldown=1, longest_cooldown=4)
    for _ in range(10):
        breaker.failed()
    clock.now += 4
    assert breaker.allow()


def test_a_budget_keeps_its_reserve() -> None:
    clock = FakeElapsed()
    budget = Budget(1.0, 0.2, clock)
    assert budget.share(0.5) == pytest.approx(0.4)
    clock.now += 0.9
    assert budget.remaining() == 0.0
    assert Budget(0.1, 1.0, clock).remaining() == pytest.approx(0.075)  # a short page is not all reserve


class Loads:
    """Loads 1, 2, 3 … and fails while `broken`."""

    def __init__(self) -> None:
        self.count = 0
        self.broken = False

    async def __call__(self, seconds: float) -> int:
        await asyncio.sleep(0)
        if self.broken:
            raise UnavailableError("gone")
        self.count += 1
        return self.count


async def test_a_shared_value_is_loaded_once_and_renewed_behind_the_callers() -> None:
    clock, load = FakeElapsed(), Loads()
    value = Refreshed(load, lifetime=10, load_seconds=1, elapsed_clock=clock)
    assert value.current is None
    assert await asyncio.gather(*(value.get() for _ in range(5))) == [1] * 5
    clock.now += 11
    assert await value.get() == 1
    await asyncio.sleep(0.01)
    assert await value.get() == 2
    load.broken = True
    clock.now += 11
    assert await value.get() == 2
    await asyncio.sleep(0.01)
    assert await value.get() == 2
    await value.close()


async def test_a_shared_value_that_was_never_loaded_is_an_error_until_it_is() -> None:
    load = Loads()
    load.broken = True
    value = Refreshed(load, lifetime=10, load_seconds=1, elapsed_clock=FakeElapsed())
    with pytest.raises(UnavailableError):
        await value.get()
    load.broken = False
    assert await value.get() == 1


class FakeLog:
    """Takes pages, or not."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.batches: list[int] = []
        self.page_ids: list[str] = []
        self.full = asyncio.Event()

    async def ingest(self, batch: Any, seconds: float) -> Any:
        raise NotImplementedError

    async def log_pages(self, pages: Sequence[PageRecord], seconds: float) -> None:
        if self.error is not None:
            raise self.error
        self.batches.append(len(pages))
        self.page_ids += [page.page_id for page in pages]
        if len(self.page_ids) >= 250:
            self.full.set()


def page_log(log: FakeLog, capacity: int) -> tuple[PageLogSideEffect, CollectorRegistry]:
    metrics = Metrics("homepage")
    return PageLogSideEffect(log, HomepageMetrics(metrics), capacity=capacity), metrics.registry


def lost(registry: CollectorRegistry) -> float | None:
    return registry.get_sample_value("vitrine_homepage_unlogged_pages_total")


async def test_the_page_log_goes_in_batches_and_loses_the_oldest_first() -> None:
    log = FakeLog()
    side_effect, registry = page_log(log, 250)
    for number in range(260):
        side_effect.run(query(), page_pb2.Page(page_id=str(number)))
    side_effect.start()
    async with asyncio.timeout(5):
        await log.full.wait()
    await side_effect.stop()
    assert log.page_ids == [str(number) for number in range(10, 260)]
    assert log.batches == [100, 100, 50]
    assert lost(registry) == 10


@pytest.mark.parametrize(("error", "count"), [(UnavailableError("gone"), 3.0), (InvalidArgumentError("bad"), 3.0)])
async def test_pages_that_cannot_be_logged_at_the_end_are_counted(error: Exception, count: float) -> None:
    side_effect, registry = page_log(FakeLog(error), 10)
    for number in range(3):
        side_effect.run(query(), page_pb2.Page(page_id=str(number)))
    side_effect.start()
    await side_effect.stop()
    assert lost(registry) == count


def test_what_may_be_logged() -> None:
    side_effect, _ = page_log(FakeLog(), 1)
    assert side_effect.enable(query(consent_known=True))
    assert not side_effect.enable(query())  # the stored consent may forbid it
    assert not side_effect.enable(query(consent_known=True, unlogged=True))
    assert not side_effect.enable(query(consent_known=True, consent=1))
    assert not side_effect.enable(query(consent_known=True, serve_millis=1))


def experiment(**weights: float) -> Experiment:
    return Experiment(
        name="e",
        buckets=tuple(
            Bucket(name=name, weight=weight, parameters={"candidate_limit": place + 1})
            for place, (name, weight) in enumerate(weights.items())
        ),
    )


def test_buckets_are_stable_and_as_large_as_their_weights() -> None:
    tested = experiment(a=1, b=3, off=0)
    found = Counter(tested.bucket_of(f"u:{number}").name for number in range(4000))
    assert set(found) == {"a", "b"}
    assert 0.22 < found["a"] / 4000 < 0.28
    assert [tested.bucket_of("u:1").name for _ in range(3)] == [tested.bucket_of("u:1").name] * 3


def test_overrides_win_and_parameters_follow() -> None:
    experiments = Experiments([experiment(a=1, b=0)], PageParameters(trending_items=5))
    assignments, parameters = experiments.assign("u:1", {})
    assert ([str(entry) for entry in assignments], parameters.candidate_limit) == (["e=a"], 1)
    assignments, parameters = experiments.assign("u:1", {"e": "b"})
    assert ([str(entry) for entry in assignments], parameters.candidate_limit) == (["e=b"], 2)
    assert parameters.trending_items == 5


@pytest.mark.parametrize(
    "buckets",
    [
        [],
        [{"name": "a", "weight": 0}],
        [{"name": "a"}, {"name": "a"}],
        [{"name": "a", "parameters": {"no_such": 1}}],
        [{"name": "a", "parameters": {"candidate_limit": -1}}],
        [{"name": "a b"}],
    ],
)
def test_experiments_that_make_no_sense_are_refused(buckets: list[dict[str, Any]]) -> None:
    with pytest.raises(ValidationError):
        Experiment.model_validate({"name": "e", "buckets": buckets})


def test_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITRINE_RANKER_ADDRESS", "ranker:1")
    monkeypatch.setenv("VITRINE_HOMEPAGE_EXPERIMENTS", '[{"name": "e", "buckets": [{"name": "a"}]}]')
    monkeypatch.setenv("VITRINE_HOMEPAGE_PARAMETERS", '{"source_quotas": {"popular": 3}}')
    settings = HomepageSettings()
    assert settings.ranker_address == "ranker:1"
    assert settings.experiments[0].buckets[0].name == "a"
    assert settings.parameters.source_quotas == {"popular": 3}
    assert settings.debugging
    assert not HomepageSettings(host="0.0.0.0").debugging
    assert HomepageSettings(host="0.0.0.0", debug_allowed=True).debugging
    with pytest.raises(ValidationError, match="there are no texts in 'xx'"):
        HomepageSettings(shop_language="xx")
