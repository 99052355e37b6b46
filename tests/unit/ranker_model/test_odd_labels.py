"""Training on what says nothing: it ends with numbers, and the gate decides."""

import dataclasses

import numpy as np
import pytest

from services.common.progress import NoProgress
from services.ranker.training.examples.example_builder import ExampleSets
from services.ranker.training.fitting.fit import fit_model
from tests.support.training_shop import training_shop
from tests.unit.ranker_model.conftest import tiny_plan


@pytest.mark.slow
@pytest.mark.parametrize("label", [0.0, 1.0])
def test_labels_of_one_class_give_probabilities(sets: ExampleSets, label: float) -> None:
    alike = dataclasses.replace(sets.training, labels=np.full_like(sets.training.labels, label))
    shop = training_shop()
    plan = dataclasses.replace(tiny_plan(), epochs=1)
    fit = fit_model(shop.table.item_nos, ExampleSets(alike, sets.validation), shop.catalog.items, plan, NoProgress())
    assert np.isfinite(fit.judged).all()
    assert ((fit.judged >= 0) & (fit.judged <= 1)).all()
    assert all(np.isfinite(weights).all() for weights in fit.model.get_weights())
