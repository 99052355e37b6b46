"""A training by two processes of this machine, beside the same one by a single process."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from services.ranker.training.plan import TrainingPlan
from tests.unit.ranker_model.conftest import tiny_plan

pytestmark = pytest.mark.slow

OF_THE_CHIEF = ("factors/", "behavior/factor_weight", "behavior/slopes", "behavior/shifts")
"""What the chief sets after the fit."""

MARK = 123.0


def plan(strategy: str, epochs: int) -> TrainingPlan:
    """Nothing is drawn for the examples of a process alone, so that the loss is that of a single process."""
    tiny = tiny_plan()
    model = replace(tiny.model, dropout=0.0, taste_dropout=0.0, hidden_dropout=0.0, unseen_rate=0.0)
    return replace(tiny, model=model, epochs=epochs, patience=epochs, retrieval_weight=0.0, strategy=strategy)


def start(folder: Path, name: str, state: Path, config: str = "", epochs: int = 1) -> "subprocess.Popen[bytes]":
    """Starts a process of a cluster or, without a configuration, alone. Of one epoch, what is published is what all
    ended with.
    """
    strategy = "multi_worker_mirrored" if config else "none"
    plan_file = folder / f"{strategy}.json"
    told = asdict(plan(strategy, epochs))
    told["model"].pop("vectors")
    plan_file.write_text(json.dumps(told))
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd()), "TF_CPP_MIN_LOG_LEVEL": "3", "TF_CONFIG": config}
    command = [sys.executable, "-m", "tests.support.training_worker", state, folder / f"{name}.npz", plan_file]
    with (folder / f"{name}.log").open("wb") as log:
        return subprocess.Popen(list(map(str, command)), stdout=log, stderr=log, env=environment)


def config_of(ports: list[int], index: int) -> str:
    addresses = [f"127.0.0.1:{port}" for port in ports]
    return json.dumps({"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}})


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        listeners = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [listener.getsockname()[1] for listener in listeners]


def finished(folder: Path, name: str, process: "subprocess.Popen[bytes]") -> Mapping[str, NDArray[Any]]:
    assert process.wait(timeout=280) == 0, (folder / f"{name}.log").read_text()
    with np.load(folder / f"{name}.npz") as saved:
        return dict(saved)


def end(*processes: "subprocess.Popen[bytes]") -> None:
    for process in processes:
        process.kill()
        process.wait()


@pytest.mark.timeout(600)  # TensorFlow in three processes takes long on a busy machine
def test_two_workers_learn_what_one_process_does(tmp_path: Path) -> None:
    state, of_worker, alone_state = tmp_path / "state", tmp_path / "of_worker", tmp_path / "alone_state"
    of_worker.mkdir()
    (state / "training").mkdir(parents=True)
    # The worker sees of the chief's state what it is handed, and would be caught writing.
    (of_worker / "training").symlink_to(state / "training")
    ports = free_ports(2)
    chief = start(tmp_path, "chief", state, config_of(ports, 0))
    worker = start(tmp_path, "worker", of_worker, config_of(ports, 1))
    try:
        of_chief = finished(tmp_path, "chief", chief)
        along = finished(tmp_path, "worker", worker)
    finally:
        end(chief, worker)
    alone = finished(tmp_path, "alone", start(tmp_path, "alone", alone_state))

    learned = [name for name in along if not name.startswith(OF_THE_CHIEF)]
    assert len(learned) > 20
    for name in learned:
        np.testing.assert_array_equal(along[name], of_chief[name], err_msg=name)
        if not name.endswith("seed_generator_state"):
            # Nearly: the mean over the parts is not quite that over all candidates, of which parts have not as many.
            np.testing.assert_allclose(of_chief[name], alone[name], atol=5e-3, err_msg=name)
    assert of_chief["losses"] == pytest.approx(alone["losses"], rel=1e-3)

    assert [path.name for path in of_worker.iterdir()] == ["training"]
    assert [path.suffix for path in (state / "training").iterdir()] == [".json"]
    assert len(list((state / "models" / "behavior").glob("[0-9]*"))) == 1


@pytest.mark.timeout(600)
def test_a_worker_that_is_missing_its_chiefs_state_is_told_so(tmp_path: Path) -> None:
    ports = free_ports(2)
    chief = start(tmp_path, "chief", tmp_path / "state", config_of(ports, 0))
    worker = start(tmp_path, "worker", tmp_path / "elsewhere", config_of(ports, 1))
    try:
        assert worker.wait(timeout=280) != 0
        assert "give all workers the chief's state directory" in (tmp_path / "worker.log").read_text()
        assert chief.wait(timeout=280) != 0
        assert "a worker of the cluster cannot be reached or has gone" in (tmp_path / "chief.log").read_text()
    finally:
        end(chief, worker)
    assert not (tmp_path / "state" / "models").exists()


@pytest.mark.timeout(600)
def test_where_a_worker_dies_all_end_and_go_on_when_they_are_started_again(tmp_path: Path) -> None:
    state, ports, epochs = tmp_path / "state", free_ports(2), 12
    checkpoint = state / "training" / "checkpoint.npz"

    def both() -> tuple["subprocess.Popen[bytes]", "subprocess.Popen[bytes]"]:
        chief = start(tmp_path, "chief", state, config_of(ports, 0), epochs)
        return chief, start(tmp_path, "worker", state, config_of(ports, 1), epochs)

    chief, worker = both()
    try:
        while not checkpoint.exists():
            assert chief.poll() is None, (tmp_path / "chief.log").read_text()
            time.sleep(0.01)
        end(worker)
        assert chief.wait(timeout=280) != 0
        assert "a worker of the cluster cannot be reached or has gone" in (tmp_path / "chief.log").read_text()
        assert not (state / "models").exists()
        assert not (state / "training" / "shared.npz").exists(), "what visitors did is not left behind"
        # A mark in the first epoch's loss: who begins anew would write it over.
        with np.load(checkpoint, allow_pickle=False) as saved:
            arrays = dict(saved)
        meta = json.loads(str(arrays["meta"]))
        meta["losses"][0] = MARK
        np.savez(checkpoint, **(arrays | {"meta": np.array(json.dumps(meta))}))
        ports = free_ports(2)
        chief, worker = both()
        losses = finished(tmp_path, "chief", chief)["losses"]
        finished(tmp_path, "worker", worker)
    finally:
        end(chief, worker)
    assert len(losses) == epochs
    assert losses[0] == MARK
    assert np.isfinite(losses).all()
