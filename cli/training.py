import json
from dataclasses import dataclass

from cli.shop import Shop
from services.candidates.jobs.build import Built, build_candidates
from services.candidates.jobs.update import update_candidates
from services.candidates.settings import CandidatesSettings
from services.common.artifacts import ArtifactStore
from services.common.clock import SystemClock
from services.common.progress import Progress
from services.ranker.training.job import train
from services.ranker.training.plan import TrainingPlan
from services.ranker.training.report import TrainingReport
from services.ranker.training.settings import TrainingSettings


@dataclass(frozen=True, slots=True)
class TrainedShop:
    """What a training brought.

    Args:
        candidates: what the candidates service looks up.
        report: the run record of model and linear scorer.
    """

    candidates: Built
    report: TrainingReport

    def to_json(self) -> str:
        """All of it as one JSON object."""
        return json.dumps({"candidates": self.candidates.as_json(), "training": json.loads(self.report.to_json())})


async def train_shop(
    shop: Shop, progress: Progress, plan: TrainingPlan | None = None, *, promote: bool = True
) -> TrainedShop:
    """Builds from a running shop's log what its pages are made with, and publishes it. Services load it by themselves.
    Without a plan the behaviour model is trained by the default one; without `promote` it stays a canary.

    Raises:
        VitrineError: there is too little to learn from.
        grpc.RpcError: a service cannot be read.
    """
    addresses = shop.addresses()
    events, features = addresses["events"], addresses["features"]
    training = TrainingSettings(
        state_directory=shop.state_directory,
        events_address=events,
        features_address=features,
        model_server_address=addresses["modelserver"],
    )
    built = await build_shop_candidates(shop, progress)
    return TrainedShop(built, await train(training, SystemClock(), progress, plan, promote=promote))


async def build_shop_candidates(shop: Shop, progress: Progress, *, update: bool = False) -> Built:
    """Builds from a running shop's log what candidates are found with, and publishes it; with `update` only what the
    events since the last build change in it.

    Raises:
        grpc.RpcError: a service cannot be read.
    """
    addresses = shop.addresses()
    settings = CandidatesSettings(
        state_directory=shop.state_directory,
        events_address=addresses["events"],
        features_address=addresses["features"],
    )
    store = ArtifactStore(shop.state_directory / "artifacts")
    job = update_candidates if update else build_candidates
    return await job(settings, store, SystemClock(), progress)
