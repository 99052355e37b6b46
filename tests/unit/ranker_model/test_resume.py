"""A run that was killed goes on with the data that it began with, though the log has grown since."""

import dataclasses
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from services.common.progress import NoProgress
from services.ranker.training.examples.schedule import Schedule
from services.ranker.training.examples.training_set import TrainingSet
from services.ranker.training.fitting.checkpointing import FileCheckpointing, FitState
from services.ranker.training.job import train_on
from services.ranker.training.plan import RunOptions
from services.ranker.training.publishing.publisher import Publisher
from services.ranker.training.report import TrainingReport
from services.ranker.training.shop.shop_reader import ShopData
from services.ranker.training.unfinished_run import UnfinishedRun
from tests.support.training_shop import DAY, event_table, habits, purchase, training_catalog, training_shop
from tests.unit.ranker_model.conftest import NOW, two_epochs


class KilledError(Exception):
    """Stands for a SIGKILL: what was not on the disk is gone."""


def run(state: Path, shop: ShopData, hours: int = 0, options: RunOptions | None = None) -> TrainingReport:
    publisher = Publisher(state, NOW + timedelta(hours=hours))
    training_set = TrainingSet(state / "examples", b"secret")
    return train_on(shop, two_epochs(), publisher, NoProgress(), {}, training_set=training_set, options=options)


def grown_shop(without: str = "") -> ShopData:
    shop, log = training_shop(), habits()
    log += [(f"u:{user}", purchase(1 + user, int(shop.table.millis[-1]) + DAY, f"new-{user}")) for user in range(10)]
    table = event_table([entry for entry in log if entry[0] != without], training_catalog())
    return dataclasses.replace(shop, table=table, users=set(range(len(table.visitors))))


def kill_after_first_epoch(state: Path, shop: ShopData) -> None:
    keep = FileCheckpointing.keep

    def killed(self: Any, variables: Sequence[Any], reached: FitState) -> None:
        keep(self, variables, reached)
        raise KilledError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FileCheckpointing, "keep", killed)
        with pytest.raises(KilledError):
            run(state, shop)


@pytest.mark.slow
def test_a_killed_run_goes_on_with_its_data_though_the_log_has_grown(tmp_path: Path) -> None:
    shop = training_shop()
    kill_after_first_epoch(tmp_path / "killed", training_shop())
    resumed = run(tmp_path / "killed", grown_shop(), hours=1, options=RunOptions(tensorboard=tmp_path / "board"))
    whole = run(tmp_path / "whole", shop)
    assert resumed.made_cuts == ()
    assert (resumed.events, resumed.last_event_millis) == (len(shop.table), int(shop.table.millis[-1]))
    assert resumed.losses == pytest.approx(whole.losses)
    assert [epoch.ndcg for epoch in resumed.epochs] == pytest.approx([epoch.ndcg for epoch in whole.epochs])
    assert not (tmp_path / "killed" / "training" / "unfinished.npz").exists()
    (folder,) = (tmp_path / "board").iterdir()
    assert folder.name == str(resumed.version)
    curves = {
        (value.tag, value.metadata.plugin_data.plugin_name, event.step)
        for path in folder.iterdir()
        for record in tf.data.TFRecordDataset(str(path))
        for event in [tf.compat.v1.Event.FromString(record.numpy())]
        for value in event.summary.value
    }
    names = ("loss", "validation/ndcg10", "validation/recall10")
    assert curves == {(name, "scalars", step) for name in names for step in (1, 2)}
    after = run(tmp_path / "killed", grown_shop(), hours=2)
    assert after.last_event_millis > resumed.last_event_millis


@pytest.mark.slow
def test_after_an_erasure_the_killed_run_does_not_go_on(tmp_path: Path) -> None:
    kill_after_first_epoch(tmp_path, training_shop())
    shop = grown_shop(without="u:3")
    again = run(tmp_path, shop, hours=1)
    assert TrainingSet(tmp_path / "examples", b"secret").count(["u:3"]) == 0
    assert len(again.losses) == 2
    assert again.published


def unfinished() -> UnfinishedRun:
    return UnfinishedRun(Schedule((1, 2), (3,), 1), 1_000, 9, 0, 5, np.array([4, 7]), np.array([2, 1]))


def test_what_is_loaded_is_what_was_saved(tmp_path: Path) -> None:
    path = tmp_path / "training" / "unfinished.npz"
    unfinished().save(path)
    loaded = UnfinishedRun.load(path, 2_000)
    assert loaded is not None
    assert (loaded.schedule, loaded.events, loaded.first_event_millis, loaded.last_event_millis) == (
        Schedule((1, 2), (3,), 1),
        9,
        0,
        5,
    )
    assert loaded.past_item_nos.tolist() == [4, 4, 7]
    assert [entry.name for entry in path.parent.iterdir()] == ["unfinished.npz"]


@pytest.mark.parametrize("fault", ["missing", "too old", "from the future", "cut short", "nonsense", "other fields"])
def test_what_cannot_be_gone_on_with_is_none(tmp_path: Path, fault: str) -> None:
    path, now = tmp_path / "unfinished.npz", 2_000
    if fault != "missing":
        unfinished().save(path)
    if fault == "too old":
        now = 1_000 + DAY + 1
    elif fault == "from the future":
        now = 999
    elif fault == "cut short":
        path.write_bytes(path.read_bytes()[:-60])
    elif fault == "nonsense":
        path.write_bytes(b"PK nonsense")
    elif fault == "other fields":
        with path.open("wb") as file:
            np.savez(file, meta=np.array("{}"), item_nos=np.array([1]), item_counts=np.array([1]))
    assert UnfinishedRun.load(path, now) is None
