"""One process of a training: alone, or one of TF_CONFIG. Arguments: state directory, file for the weights, plan."""

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

from services.common.progress import NoProgress
from services.ranker.training.job import train_on
from services.ranker.training.plan import RunOptions, TrainingPlan
from services.ranker.training.publishing.publisher import Publisher
from services.ranker.training.workers.cluster import Cluster
from tests.support.training_shop import training_shop
from tests.unit.ranker_model.conftest import NOW


def main(state: Path, weights: Path, plan_file: Path) -> None:
    plan = TrainingPlan.read(plan_file)
    cluster = Cluster.of_environment(os.environ) if plan.strategy != "none" else None
    if cluster and not cluster.is_chief:
        from services.ranker.training.workers.run_worker import run_worker

        model = run_worker(state, plan, cluster, NoProgress())
        np.savez(weights, **{variable.path: variable.numpy() for variable in model.variables})
        return
    if not cluster:
        _clip_summed_gradients()
    publisher = Publisher(state, NOW)
    report = train_on(training_shop(), plan, publisher, NoProgress(), {}, options=RunOptions(cluster=cluster))
    from services.ranker.model.extra_assets import read_weights

    version = state / "models" / "behavior" / str(report.version)
    arrays: dict[str, Any] = {"losses": report.losses, **read_weights(version).arrays}
    np.savez(weights, **arrays)


def _clip_summed_gradients() -> None:
    """Has one process clip a table's gradient as workers do, who have its rows summed; it clips what each use of a row
    adds. All else is the same, and shall come to the same.
    """
    from services.ranker.training.workers.team import Alone

    step = Alone.step

    def summed_step(self: Alone, local: Any, move: Any) -> Any:
        import tensorflow as tf

        def summed(batch: Any, seed: Any) -> Any:
            loss, gradients = local(batch, seed)
            return loss, [None if gradient is None else tf.convert_to_tensor(gradient) for gradient in gradients]

        return step(self, summed, move)

    Alone.step = summed_step  # type: ignore[method-assign]


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
