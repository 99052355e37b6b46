from pathlib import Path
from zipfile import BadZipFile

from services.common.errors import FailedPreconditionError
from services.common.progress import Progress
from services.ranker.model.behavior_model import BehaviorModel
from services.ranker.training.fitting.fit import FINISHED, begin_fit
from services.ranker.training.plan import TrainingPlan
from services.ranker.training.publishing.publisher import shared_fit_path
from services.ranker.training.workers.cluster import Cluster
from services.ranker.training.workers.mirrored_workers import MirroredWorkers
from services.ranker.training.workers.shared_fit import SharedFit


def run_worker(state_directory: Path, plan: TrainingPlan, cluster: Cluster, progress: Progress) -> BehaviorModel:
    """Learns with the chief until it says that the fit is finished; writes nothing. Returns the model as it was then.

    Waits for the chief, which makes the examples first and leaves them in the state directory. Raises UnavailableError
    (WORKER_GONE), and FailedPreconditionError (SHARED_FIT_UNREADABLE) where it does not find them there.
    """
    with progress.task("waiting for the chief", 1) as task:
        team = MirroredWorkers(cluster)
        task.advance()
    path = shared_fit_path(state_directory)
    try:
        shared = SharedFit.load(path, plan)
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise FailedPreconditionError(
            f"{path} cannot be used: {error}; give all workers the chief's state directory and the chief's plan",
            reason="SHARED_FIT_UNREADABLE",
        ) from error
    epochs = begin_fit(shared.past_item_nos, shared.training, shared.items, plan, team)
    with progress.task("training along with the chief") as task:
        while (epoch := team.agreed(FINISHED)) != FINISHED:
            epochs.learn(epoch, task)
    return epochs.trainer.model
