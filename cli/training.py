import json
from dataclasses import dataclass

from cli.shop import Shop
from services.candidates.jobs.build import Built, CandidatesBuild, build_candidates
from services.candidates.jobs.update import update_candidates
from services.candidates.settings import CandidatesSettings
from services.common.artifacts import ArtifactStore
from services.common.clock import SystemClock
from services.common.progress import Progress
from services.common.single_pass_reader import stream_catalog, stream_log
from services.ranker.training.job import fit_and_promote, shop_reader, training_run
from services.ranker.training.plan import RunOptions, TrainingPlan
from services.ranker.training.report import TrainingReport
from services.ranker.training.settings import TrainingSettings
from services.ranker.training.training_run import timed


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


class ShopTraining:
    """Builds from a running shop's log what its pages are made with, and publishes it. The steps in their order:
    `read`, `publish_tables`, `publish_linear`, from where on pages can be ranked, and `fit`. Services load what is
    published by themselves.

    All raise VitrineError if there is too little to learn from, and grpc.RpcError if a service can't be read.

    Args:
        shop: the running shop.
        progress: told of each step.
        plan: how the behavior model is trained; None: the default.
        options: what is asked of this run beside the plan.
    """

    def __init__(
        self, shop: Shop, progress: Progress, plan: TrainingPlan | None = None, options: RunOptions | None = None
    ) -> None:
        addresses = shop.addresses()
        self._shop = shop
        self._progress = progress
        self._plan = plan or TrainingPlan()
        self._options = options
        self._clock = SystemClock()
        self._settings = TrainingSettings(
            state_directory=shop.state_directory,
            events_address=addresses["events"],
            features_address=addresses["features"],
            model_server_address=addresses["modelserver"],
        )
        self._reader = shop_reader(self._settings, self._clock, self._plan)
        self._build = CandidatesBuild(
            _candidates_settings(shop), ArtifactStore(shop.state_directory / "artifacts"), self._clock, progress
        )
        self.seconds: dict[str, float] = {}
        """What each step took."""

    async def read(self) -> None:
        """Reads catalog and log once, for tables and model."""
        build, reader, progress = self._build, self._reader, self._progress
        with timed(self.seconds, "read"):
            await build.begin()
            async with self._shop.channel("features") as features, self._shop.channel("events") as log:
                takers = [build.take_catalog, reader.take_catalog]
                await stream_catalog(features, takers, progress, vectors=reader.shop_vectors)
                await stream_log(log, [build.take_log, reader.take_log], progress)
                self._data = await reader.finish(features, progress)

    async def publish_tables(self) -> None:
        """Computes and publishes what the candidates service looks up."""
        with timed(self.seconds, "tables"):
            self._built = await self._build.publish()

    async def publish_linear(self) -> None:
        """Fits and publishes the linear scorer."""
        self._run = training_run(
            self._data,
            self._settings,
            self._clock,
            self._progress,
            self._plan,
            seconds=self.seconds,
            options=self._options,
        )
        self._run.publish_linear()

    async def fit(self, *, promote: bool = True) -> TrainedShop:
        """Trains the behavior model and publishes it if it passes the gate; without `promote` it stays a canary."""
        report = await fit_and_promote(self._run, self._settings, self._progress, promote=promote)
        return TrainedShop(self._built, report)


async def train_shop(
    shop: Shop,
    progress: Progress,
    plan: TrainingPlan | None = None,
    *,
    promote: bool = True,
    options: RunOptions | None = None,
) -> TrainedShop:
    """Takes all steps of `ShopTraining`; errors are theirs."""
    training = ShopTraining(shop, progress, plan, options)
    await training.read()
    await training.publish_tables()
    await training.publish_linear()
    return await training.fit(promote=promote)


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
