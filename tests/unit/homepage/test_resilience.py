"""Time budgets, shared values, experiments, settings."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from pydantic import ValidationError

from services.common.errors import UnavailableError
from services.homepage.clients.refreshed import Refreshed
from services.homepage.experiments import Bucket, Experiment, Experiments
from services.homepage.parameters import PageParameters
from services.homepage.pipeline.budget import Budget
from services.homepage.settings import HomepageSettings


class FakeElapsed:
    """A clock of seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


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
    assert not settings.debug_allowed
    with pytest.raises(ValidationError, match="no texts in 'xx'"):
        HomepageSettings(shop_language="xx")
