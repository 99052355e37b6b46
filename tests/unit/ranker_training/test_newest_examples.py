"""What the linear scorer learns from is made first and not made again, and a time budget leaves the oldest cuts out."""

import numpy as np
import pytest

from services.common.progress import NoProgress
from services.ranker.training.examples.example_builder import ExampleBuilder, Pace
from services.ranker.training.examples.schedule import Schedule
from services.ranker.training.shop.replay import Replay
from tests.support.training_shop import training_shop
from tests.unit.ranker_model.conftest import tiny_plan


def new_builder() -> ExampleBuilder:
    shop = training_shop()
    replay = Replay(shop.table, shop.catalog, shop.attributes)
    return ExampleBuilder(shop.table, replay, shop.catalog.shown_item_nos(), tiny_plan(), shop.users)


def test_the_newest_cuts_are_made_first_and_all_examples_are_those_of_one_pass() -> None:
    builder, one_pass = new_builder(), new_builder()
    newest = builder.newest(31, NoProgress())
    cuts = builder.schedule.training_cuts
    assert builder.made == list(cuts[-2:])
    assert len(newest) >= 31
    sets = builder.build(*builder.moments(), NoProgress())
    expected = one_pass.build(*one_pass.moments(), NoProgress())
    assert sorted(builder.made) == sorted(one_pass.made)
    for ours, theirs in ((sets.training, expected.training), (sets.validation, expected.validation)):
        for name, tensor in theirs.inputs.items():
            assert np.array_equal(ours.inputs[name], tensor), name
        assert np.array_equal(ours.labels, theirs.labels)
        assert np.array_equal(ours.offsets, theirs.offsets)
    assert np.array_equal(newest.labels, expected.training.labels[-len(newest) :])
    assert builder.check.result().passed


def test_a_shop_with_few_examples_gives_all_of_them() -> None:
    builder = new_builder()
    newest = builder.newest(1_000_000, NoProgress())
    assert tuple(builder.made) == builder.schedule.training_cuts
    assert len(builder.build(*builder.moments(), NoProgress()).training) == len(newest)


@pytest.mark.parametrize(("seconds", "cuts"), [(0.0, 1), (3.0, 1), (6.0, 2), (9.0, 3), (1e6, 4)])
def test_a_time_budget_leaves_out_the_oldest_cuts_but_never_those_that_are_there(seconds: float, cuts: int) -> None:
    builder = new_builder()
    builder.newest(1, NoProgress())
    # A cut has 30 examples, which take 3 s; the validation takes as long.
    builder._pace = Pace(examples=30, replay_seconds=0.5, make_seconds=2.5)
    all_cuts = builder.schedule.training_cuts
    builder.limit(seconds)
    assert builder.schedule.training_cuts == all_cuts[-cuts:]


def test_without_a_pace_nothing_is_left_out() -> None:
    builder = new_builder()
    builder.limit(0.0)
    assert len(builder.schedule.training_cuts) == tiny_plan().training_cuts


def test_the_newest_cuts_of_a_schedule() -> None:
    assert Schedule((1, 2, 3), (4,), 1).newest(2) == Schedule((2, 3), (4,), 1)
