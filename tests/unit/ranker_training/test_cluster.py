import json
from pathlib import Path

import numpy as np
import pytest

from services.common.errors import FailedPreconditionError
from services.ranker.training.plan import TrainingPlan
from services.ranker.training.workers.cluster import Cluster

WORKERS = ["a:1", "b:1"]


def config(workers: object, kind: object = "worker", index: object = 1, **others: object) -> str:
    return json.dumps({"cluster": {"worker": workers, **others}, "task": {"type": kind, "index": index}})


def test_a_cluster_is_read_as_tensorflow_has_it() -> None:
    cluster = Cluster.of_environment({"TF_CONFIG": config(WORKERS)})
    assert cluster == Cluster(("a:1", "b:1"), 1)
    assert not cluster.is_chief
    assert Cluster.of_environment({"TF_CONFIG": config(WORKERS, index=0)}).is_chief


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (None, "is missing or cannot be read"),
        ("{", "is missing or cannot be read"),
        ("[]", "is missing or cannot be read"),
        (json.dumps({"cluster": {"worker": WORKERS}}), "is missing or cannot be read"),
        (config(WORKERS, kind="ps"), "names other tasks"),
        (config(WORKERS, ps=["c:1"]), "names other tasks"),
        (config(["a:1"]), "two workers or more"),
        (config(["a:1", "a:1"]), "two workers or more"),
        (config("a:1,b:1"), "two workers or more"),
        (config([1, 2]), "two workers or more"),
        (config(WORKERS, index=2), "no worker of index 2"),
        (config(WORKERS, index=-1), "no worker of index -1"),
        (config(WORKERS, index="0"), "no worker of index 0"),
        (config(WORKERS, index=True), "no worker of index True"),
    ],
)
def test_what_is_no_cluster_is_refused_with_how_it_looks(told: str | None, words: str) -> None:
    with pytest.raises(FailedPreconditionError, match=words) as caught:
        Cluster.of_environment({} if told is None else {"TF_CONFIG": told})
    assert caught.value.reason == "CLUSTER_UNKNOWN"
    assert '{"cluster": {"worker": ["host1:2222", "host2:2222"]}' in caught.value.message


def test_a_strategy_is_one_of_two_and_has_no_hashed_table(tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text('{"strategy": "parameter_server"}')
    with pytest.raises(ValueError, match="give one of none, multi_worker_mirrored"):
        TrainingPlan.read(plan)
    plan.write_text('{"strategy": "multi_worker_mirrored", "model": {"hashed_item_rows": 1000}}')
    with pytest.raises(ValueError, match="does not go with hashed_item_rows"):
        TrainingPlan.read(plan)


def test_every_example_of_a_batch_is_one_workers() -> None:
    parts = [Cluster(("a:1", "b:1", "c:1"), index).part(np.arange(8)) for index in range(3)]
    assert [len(part) for part in parts] == [3, 3, 2]
    assert sorted(np.concatenate(parts)) == list(range(8))
