import json
from dataclasses import dataclass

from cli.shop import Shop
from services.candidates.jobs.neighbors import build_neighbors
from services.candidates.settings import CandidatesSettings
from services.common.artifacts import Artifact, ArtifactStore
from services.common.clock import SystemClock
from services.common.progress import Progress
from services.ranker.training.job import train
from services.ranker.training.report import TrainingReport
from services.ranker.training.settings import TrainingSettings


@dataclass(frozen=True, slots=True)
class TrainedShop:
    """What a training brought.

    Args:
        neighbors: the neighbours of items; None: no two items have enough users in common.
        report: the run record of model and linear scorer.
    """

    neighbors: Artifact | None
    report: TrainingReport

    def to_json(self) -> str:
        """All of it as one JSON object."""
        neighbors = None if self.neighbors is None else {"version": self.neighbors.version, **self.neighbors.metadata}
        return json.dumps({"neighbors": neighbors, "training": json.loads(self.report.to_json())})


async def train_shop(shop: Shop, progress: Progress) -> TrainedShop:
    """Builds from a running shop's log what its pages are made with, and publishes it. Services load it by themselves.

    Raises:
        VitrineError: there is too little to learn from.
        grpc.RpcError: a service cannot be read.
    """
    addresses = shop.addresses()
    events, features = addresses["events"], addresses["features"]
    candidates = CandidatesSettings(
        state_directory=shop.state_directory, events_address=events, features_address=features
    )
    training = TrainingSettings(state_directory=shop.state_directory, events_address=events, features_address=features)
    clock = SystemClock()
    store = ArtifactStore(shop.state_directory / "artifacts")
    neighbors = await build_neighbors(candidates, store, clock, progress)
    return TrainedShop(neighbors, await train(training, clock, progress))
