"""What is kept of examples is what was made, by whom it was made for, and nobody's who is gone."""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from services.common.progress import NoProgress
from services.ranker.inputs.candidate_features import FEATURE_NAMES
from services.ranker.training.examples.example_builder import ExampleBuilder, ExampleSets
from services.ranker.training.examples.examples import Examples
from services.ranker.training.examples.next_visit import ACTIONS
from services.ranker.training.examples.schedule import Schedule
from services.ranker.training.examples.training_set import TrainingSet
from services.ranker.training.plan import TrainingPlan
from services.ranker.training.shop.replay import Replay
from services.ranker.training.shop.shop_reader import ShopData
from tests.support.training_shop import DAY, event_table, impression, purchase, training_shop
from tests.unit.ranker_model.conftest import tiny_plan

SECRET = b"a secret"


def weekly_plan() -> TrainingPlan:
    """Cuts that do not move closer together: the log is long enough for them."""
    return dataclasses.replace(tiny_plan(), cut_days=7.0)


def build(
    shop: ShopData, folder: Path, plan: TrainingPlan | None = None, secret: bytes = SECRET
) -> tuple[ExampleSets, ExampleBuilder]:
    plan, training_set = plan or weekly_plan(), TrainingSet(folder, secret)
    training_set.keep_only([shop.table.visitors[user] for user in shop.users])
    replay = Replay(shop.table, shop.catalog, shop.attributes)
    shown = shop.catalog.shown_item_nos()
    builder = ExampleBuilder(shop.table, replay, shown, plan, shop.users, training_set=training_set)
    sets = builder.build(*builder.moments(), NoProgress())
    training_set.prune(builder.needed())
    return sets, builder


def all_cuts(builder: ExampleBuilder) -> list[int]:
    return [*builder.schedule.training_cuts, *builder.schedule.validation_cuts]


def same(one: Examples, other: Examples) -> bool:
    assert one.inputs.keys() == other.inputs.keys()
    arrays = [(one.inputs[name], other.inputs[name]) for name in one.inputs]
    arrays += [(one.labels, other.labels), (one.offsets, other.offsets), (one.exposures, other.exposures)]
    visits = zip(one.visits, other.visits, strict=True)
    arrays += [pair for a, b in visits for pair in ((a.item_nos, b.item_nos), (a.labels, b.labels))]
    return all(a.dtype == b.dtype and np.array_equal(a, b) for a, b in arrays)


def grown(shop: ShopData, days: int) -> ShopData:
    """The shop some days later."""
    log = [(shop.table.visitors[user], shop.table.observations[n]) for n, user in enumerate(shop.table.users.tolist())]
    end = int(shop.table.millis[-1])
    log += [(f"u:{user}", purchase(1 + user, end + days * DAY, f"new-{user}")) for user in range(10)]
    return dataclasses.replace(shop, table=event_table(log, shop.catalog))


@pytest.fixture
def shop() -> ShopData:
    return training_shop()


def test_what_was_shown_and_not_taken_is_a_negative_and_is_kept(shop: ShopData, tmp_path: Path) -> None:
    log = [(shop.table.visitors[user], shop.table.observations[n]) for n, user in enumerate(shop.table.users.tolist())]
    log += [(visitor, impression(item, seen.event_millis - 60_000)) for visitor, seen in log for item in (58, 59)]
    shop = dataclasses.replace(shop, table=event_table(log, shop.catalog))
    made, _ = build(shop, tmp_path)
    read, builder = build(shop, tmp_path)
    assert builder.made == []
    assert same(read.training, made.training)
    shown = made.training.exposures > 0
    assert (shown == np.isin(made.training.inputs["candidate_item_nos"], [58, 59])).all()
    assert (shown.sum(axis=1) == 2).all()
    taken = made.training.labels[shown, 0]
    assert 0 < taken.sum() < len(taken) / 2
    assert (made.training.offsets[shown] == 0).all()


def test_what_is_read_is_what_was_made(shop: ShopData, tmp_path: Path) -> None:
    made, first = build(shop, tmp_path)
    read, second = build(training_shop(), tmp_path)
    assert (first.made, second.made) == (all_cuts(first), [])
    assert same(read.training, made.training)
    assert same(read.validation, made.validation)
    assert not made.training.real.all()  # some slots were padding, and are again


def test_pandas_reads_it(shop: ShopData, tmp_path: Path) -> None:
    made, builder = build(shop, tmp_path)
    cut = builder.schedule.training_cuts[0]
    (folder,) = tmp_path.glob(f"training-*/{cut}")
    visits, candidates = pd.read_parquet(folder / "visits.parquet"), pd.read_parquet(folder / "candidates.parquet")
    assert {"example", "candidate_item_nos", "offset", *FEATURE_NAMES} <= set(candidates.columns)
    assert {f"label_{action}" for action in ACTIONS} <= set(candidates.columns)
    assert visits["cut_time"].iloc[0] == pd.Timestamp(cut, unit="ms", tz="UTC")
    assert len(candidates) == made.training.real[: len(visits)].sum()
    first = candidates[candidates["example"] == 0]
    assert first[list(FEATURE_NAMES)].notna().all(axis=None)
    bought = set(first.loc[first["label_purchase"], "candidate_item_nos"])
    assert bought == set(visits["visit_item_nos"].iloc[0])


def test_a_day_later_only_the_new_cuts_are_made(shop: ShopData, tmp_path: Path) -> None:
    _, before = build(shop, tmp_path)
    later = grown(shop, 1)
    sets, after = build(later, tmp_path)
    newest = (after.schedule.training_cuts[-1], after.schedule.validation_cuts[0])
    assert set(after.made) == set(newest)
    assert set(after.schedule.training_cuts[:-1]) <= set(before.schedule.training_cuts)
    assert len(sets.training) > 10
    kept = {int(path.name) for path in tmp_path.glob("*/[0-9]*")}
    assert kept == set(all_cuts(after))  # and what is needed no more is gone


def test_nothing_that_is_kept_reaches_into_the_validation(shop: ShopData, tmp_path: Path) -> None:
    build(shop, tmp_path)
    for days in (1, 2, 5, 9):
        _, builder = build(grown(shop, days), tmp_path)
        schedule = builder.schedule
        assert list(schedule.training_cuts) == sorted(set(schedule.training_cuts))
        assert schedule.training_cuts[-1] + schedule.window_millis <= schedule.validation_cuts[0]


def test_who_is_gone_is_in_no_file(shop: ShopData, tmp_path: Path) -> None:
    build(shop, tmp_path)
    training_set = TrainingSet(tmp_path, SECRET)
    gone = shop.table.visitors[3]
    before = training_set.count([gone])
    without = dataclasses.replace(shop, users=shop.users - {3})
    sets, builder = build(without, tmp_path)
    assert before >= 2
    assert training_set.count([gone]) == 0
    assert builder.made == []
    others, _ = build(without, tmp_path / "anew")
    assert len(sets.training) == len(others.training)


@pytest.mark.parametrize("count", [1, 30])
def test_forgetting_takes_the_examples_of_those_and_no_others(shop: ShopData, tmp_path: Path, count: int) -> None:
    made, _ = build(shop, tmp_path)
    training_set, some = TrainingSet(tmp_path, SECRET), shop.table.visitors[:count]
    gone = training_set.count(some)
    assert training_set.forget(some) == gone > 0
    assert training_set.forget(some) == 0
    left = training_set.count(shop.table.visitors)
    assert left == len(made.training) + len(made.validation) - gone


def test_what_is_left_keeps_its_candidates(shop: ShopData, tmp_path: Path) -> None:
    made, builder = build(shop, tmp_path)
    cut = builder.schedule.training_cuts[0]
    (folder,) = tmp_path.glob(f"training-*/{cut}")
    digests = pd.read_parquet(folder / "visits.parquet")["user_digest"].to_numpy()
    TrainingSet(tmp_path, SECRET).forget([shop.table.visitors[0]])
    stay = np.flatnonzero(np.isin(digests, pd.read_parquet(folder / "visits.parquet")["user_digest"]))
    left = builder.kept["training"].read(cut)
    assert left is not None
    assert len(left) == len(stay) < len(digests)
    assert np.array_equal(left.inputs["candidate_features"], made.training.inputs["candidate_features"][stay])
    assert np.array_equal(left.labels, made.training.labels[stay])


def test_without_the_secret_nobody_is_found(shop: ShopData, tmp_path: Path) -> None:
    build(shop, tmp_path)
    assert TrainingSet(tmp_path, b"another").count(shop.table.visitors) == 0
    for path in tmp_path.rglob("*.parquet"):
        assert b"u:1" not in path.read_bytes()


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 8},
        {"maximum_examples": 40},
        {"cut_days": 5.0},
        {"model": dataclasses.replace(tiny_plan().model, history_length=8)},
        {"draw": dataclasses.replace(tiny_plan().draw, rest=4)},
    ],
)
def test_examples_of_another_plan_are_made_anew(shop: ShopData, tmp_path: Path, change: dict[str, object]) -> None:
    build(shop, tmp_path)
    _, builder = build(shop, tmp_path, dataclasses.replace(weekly_plan(), **change))  # type: ignore[arg-type]
    assert set(builder.schedule.training_cuts) <= set(builder.made)


@contextmanager
def renamed(shop: ShopData) -> Iterator[None]:
    """Another catalog that gives the same numbers to other items."""
    marks = shop.catalog.items.id_marks.copy()
    shop.catalog.items.id_marks += 1
    yield
    shop.catalog.items.id_marks[:] = marks


@pytest.mark.parametrize("fault", ["cut short", "no table", "other catalog", "a file is gone"])
def test_what_cannot_be_used_is_made_anew(shop: ShopData, tmp_path: Path, fault: str) -> None:
    made, builder = build(shop, tmp_path)
    (visits,) = tmp_path.glob(f"training-*/{builder.schedule.training_cuts[1]}/visits.parquet")
    if fault == "cut short":
        visits.with_name("candidates.parquet").write_bytes(visits.with_name("candidates.parquet").read_bytes()[:-99])
    elif fault == "no table":
        visits.with_name("candidates.parquet").write_bytes(b"nonsense")
    elif fault == "a file is gone":
        visits.unlink()
    if fault == "other catalog":
        with renamed(shop):
            _, again = build(shop, tmp_path)
        assert again.made == all_cuts(builder)
        return
    sets, again = build(training_shop(), tmp_path)
    assert again.made == [builder.schedule.training_cuts[1]]
    assert same(sets.training, made.training)


def test_what_a_killed_run_left_half_written_is_swept_up(shop: ShopData, tmp_path: Path) -> None:
    _, builder = build(shop, tmp_path)
    part = next(iter(builder.needed()))
    (part / ".draft-1").mkdir()
    (part / ".draft-1" / "visits.parquet").write_bytes(b"half")
    (tmp_path / "training-0000").mkdir()
    _, again = build(shop, tmp_path)
    assert again.made == []
    assert not list(tmp_path.rglob(".draft-*"))
    assert not (tmp_path / "training-0000").exists()


def test_kept_cuts_stand_where_new_ones_would() -> None:
    schedule = Schedule((10, 24, 38), (52,), 14)
    assert schedule.with_kept([]).training_cuts == (10, 24, 38)
    assert schedule.with_kept([9, 23, 37]).training_cuts == (9, 23, 38)
    assert schedule.with_kept([18, 31]).training_cuts == (4, 18, 38)
    assert schedule.with_kept([3, 30]).training_cuts == (16, 30, 38)
    assert schedule.with_kept([38, 40, 52, 66]).training_cuts == (10, 24, 38)


def test_users_of_a_seed_are_the_same_in_every_run(tmp_path: Path) -> None:
    many = dataclasses.replace(tiny_plan(), maximum_examples=40)
    one, _ = build(training_shop(), tmp_path / "1", many)
    two, _ = build(training_shop(), tmp_path / "2", many)
    assert len(one.training) == 40
    assert same(one.training, two.training)
