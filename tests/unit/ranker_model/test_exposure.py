"""What stood in front is not taken for what is liked."""

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray

from services.common.progress import NoProgress
from services.ranker.inputs.candidate_features import FEATURE_NAMES
from services.ranker.inputs.exposures import EXPOSURES, NOT_SHOWN, exposure_at
from services.ranker.training.examples.example_builder import ExampleSets
from services.ranker.training.examples.examples import Examples
from services.ranker.training.fitting.example_statistics import exposure_odds
from services.ranker.training.fitting.fit import fit_model, probabilities
from tests.support.training_shop import training_shop
from tests.unit.ranker_model.conftest import tiny_plan

FRONT, BACK = exposure_at(0), exposure_at(20)
OFTEN, SELDOM = 0.5, 0.05
"""How often what stands in front and at the back is taken, whatever it is."""


def bought(examples: Examples) -> NDArray[np.bool_]:
    """Which candidates their users bought before, (E, N)."""
    column: NDArray[np.float32] = examples.inputs["candidate_features"][..., FEATURE_NAMES.index("bought")]
    return column > 0


@pytest.fixture
def favored(sets: ExampleSets) -> Examples:
    """What was bought before stands in front four times out of five, all else once; nobody cares what they take."""
    random = np.random.default_rng(11)
    shape = sets.training.exposures.shape
    front = random.random(shape) < np.where(bought(sets.training), 0.8, 0.2)
    taken = sets.training.real & (random.random(shape) < np.where(front, OFTEN, SELDOM))
    return dataclasses.replace(
        sets.training,
        exposures=np.where(front, FRONT, BACK).astype(np.uint8),
        labels=np.repeat(taken[..., None], sets.training.labels.shape[2], axis=2).astype(np.float32),
        offsets=np.zeros(shape, np.float32),
    )


def preference(examples: Examples, sets: ExampleSets) -> float:
    """By how much the log-odds of what was bought before are above those of all else, learned from the examples."""
    shop, plan = training_shop(), dataclasses.replace(tiny_plan(), epochs=6, patience=6, learning_rate=1e-2)
    fit = fit_model(shop.table.item_nos, ExampleSets(examples, sets.validation), shop.catalog.items, plan, NoProgress())
    rates = probabilities(fit.model, sets.validation)[..., 0]
    odds = np.log(rates / (1 - rates))
    real, before = sets.validation.real, bought(sets.validation)
    return float(odds[real & before].mean() - odds[real & ~before].mean())


@pytest.mark.slow
def test_what_stood_in_front_is_not_liked_for_it(favored: Examples, sets: ExampleSets) -> None:
    unaware = dataclasses.replace(favored, exposures=np.full_like(favored.exposures, NOT_SHOWN))
    deceived = preference(unaware, sets)
    assert deceived > 0.5
    assert abs(preference(favored, sets)) < deceived / 3


def test_training_begins_at_how_much_more_is_taken_at_each_place(favored: Examples) -> None:
    priors = np.full(favored.labels.shape[2], 0.01)
    odds = exposure_odds(favored, priors)
    assert odds.shape == (EXPOSURES, len(priors))
    assert odds[NOT_SHOWN].tolist() == [0.0] * len(priors)
    expected = np.log(OFTEN / (1 - OFTEN)) - np.log(SELDOM / (1 - SELDOM))
    assert odds[FRONT] - odds[BACK] == pytest.approx(expected, rel=0.15)


def test_a_log_without_impressions_adds_nothing(sets: ExampleSets) -> None:
    assert not sets.training.exposures.any()
    assert not exposure_odds(sets.training, np.full(sets.training.labels.shape[2], 0.01)).any()
