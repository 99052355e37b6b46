import json
import time
from dataclasses import dataclass

from cli.shop import Shop
from services.candidates.jobs.build import Built, CandidatesBuild, build_candidates
from services.candidates.jobs.update import update_candidates
from services.candidates.settings import CandidatesSettings
from services.common.artifacts import ArtifactStore
from services.common.clock import SystemClock
from services.common.progress import Progress
from services.common.single_pass_reader import stream_catalog, stream_log
from services.ranker.training.job import shop_reader, train_and_promote
from services.ranker.training.plan import TrainingPlan
from services.ranker.training.report import TrainingReport
from services.ranker.training.run_options import RunOptions
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
    shop: Shop,
    progress: Progress,
    plan: TrainingPlan | None = None,
    *,
    promote: bool = True,
    options: RunOptions | None = None,
) -> TrainedShop:
    """Builds from a running shop's log what its pages are made with, and publishes it. Services load it by themselves.
    Without a plan the behavior model is trained by the default one; without `promote` it stays a canary.

    Raises:
        VitrineError: there is too little to learn from.
        grpc.RpcError: a service cannot be read.
    """
    addresses = shop.addresses()
    training = TrainingSettings(
        state_directory=shop.state_directory,
        events_address=addresses["events"],
        features_address=addresses["features"],
        model_server_address=addresses["modelserver"],
    )
    plan = plan or TrainingPlan()
    clock, started = SystemClock(), time.perf_counter()
    reader = shop_reader(training, clock, plan)
    build = CandidatesBuild(_candidates_settings(shop), _store(shop), clock, progress)
    await build.begin()
    async with shop.channel("features") as features, shop.channel("events") as log:
        await stream_catalog(features, [build.take_catalog, reader.take_catalog], progress, vectors=reader.shop_vectors)
        await stream_log(log, [build.take_log, reader.take_log], progress)
        data = await reader.finish(features, progress)
    seconds = {"read": round(time.perf_counter() - started, 2)}
    built = await build.publish()
    report = await train_and_promote(
        data, training, clock, progress, plan, seconds=seconds, promote=promote, options=options
    )
    return TrainedShop(built, report)


async def build_shop_candidates(shop: Shop, progress: Progress, *, update: bool = False) -> Built:
    """Builds from a running shop's log what candidates are found with, and publishes it; with `update` only what the
    events since the last build change in it.

    Raises:
        grpc.RpcError: a service cannot be read.
    """
    job = update_candidates if update else build_candidates
    return await job(_candidates_settings(shop), _store(shop), SystemClock(), progress)


def _candidates_settings(shop: Shop) -> CandidatesSettings:
    addresses = shop.addresses()
    return CandidatesSettings(
        state_directory=shop.state_directory,
        events_address=addresses["events"],
        features_address=addresses["features"],
    )


def _store(shop: Shop) -> ArtifactStore:
    return ArtifactStore(shop.state_directory / "artifacts")
