import os
import pickle
import shutil
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from services.common.progress import NoProgress
from services.ranker.training.examples.example_builder import ExampleBuilder, ExampleSets
from services.ranker.training.plan import TrainingPlan
from services.ranker.training.publishing.publisher import Publisher
from services.ranker.training.report import TrainingReport
from services.ranker.training.shop.replay import Replay
from services.ranker.training.shop.shop_reader import ShopData
from tests.support.made_once import ROOT, made_once
from tests.support.training_shop import training_shop

if TYPE_CHECKING:
    from services.ranker.model.behavior_model import BehaviorModel

NOW = datetime(2026, 3, 1, tzinfo=UTC)
RESULT = "result.pickle"


def tiny_plan() -> TrainingPlan:
    """A model that trains in a second or two."""
    from services.ranker.model.config import BehaviorModelConfig
    from services.ranker.training.examples.candidate_draw import DrawSizes

    return TrainingPlan(
        model=BehaviorModelConfig(width=8, layers=1, history_length=16, hidden=(16,)),
        draw=DrawSizes(slots=48, own=24, popular=8, rest=8, popular_pool=16),
        training_cuts=4,
        validation_cuts=1,
        validation_slots=64,
        validation_popular=16,
        batch_size=8,
        epochs=3,
        retrieval_places=64,
        retrieval_negatives=32,
    )


def two_epochs() -> TrainingPlan:
    """The same, of two epochs: what is broken off in the second goes on from the first."""
    return replace(tiny_plan(), epochs=2)


@dataclass(frozen=True)
class Trained:
    """A shop that was trained on, with what came of it."""

    state: Path
    shop: ShopData
    report: TrainingReport


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A copy of the training that all test processes share."""
    sources = [
        ROOT / "services" / "ranker",
        ROOT / "services" / "features" / "definitions",
        ROOT / "services" / "common",
    ]
    made = made_once("trained", [*sources, ROOT / "tests" / "support" / "training_shop.py", Path(__file__)], _train)
    state = tmp_path_factory.mktemp("trained") / "state"
    shutil.copytree(made / "state", state)
    shop, report = pickle.loads((made / RESULT).read_bytes())
    return Trained(state, shop, report)


def _train(folder: Path) -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from services.ranker.training.job import train_on

    shop, publisher = training_shop(), Publisher(folder / "state", NOW)
    report = train_on(shop, tiny_plan(), publisher, NoProgress(), {})
    publisher.registry.promote(report.version)
    (folder / RESULT).write_bytes(pickle.dumps((shop, report)))


@pytest.fixture(scope="session")
def sets() -> ExampleSets:
    shop, plan = training_shop(), tiny_plan()
    replay = Replay(shop.table, shop.catalog, shop.attributes)
    builder = ExampleBuilder(shop.table, replay, shop.catalog.shown_item_nos(), plan, shop.users)
    return builder.build(*builder.moments(), NoProgress())


@pytest.fixture(scope="session")
def model(sets: ExampleSets) -> "BehaviorModel":
    """A model that was not trained, but for what the data says before; its blocks add something to an event."""
    import numpy as np

    from services.ranker.model.behavior_model import BehaviorModel
    from services.ranker.model.embeddings import Vocabulary
    from services.ranker.training.fitting.fit import prepare

    known = np.arange(1, 61)
    vocabulary = Vocabulary(known, np.ones(60, np.int64), np.array([1, 2, *range(10, 16)]), np.arange(1, 5))
    model = BehaviorModel(tiny_plan().model, vocabulary, 3)
    prepare(model, sets.training)
    random = np.random.default_rng(4)
    for weights in model.encoder.trainable_variables:
        if weights.path.endswith(("join/kernel", "narrow/kernel")):
            weights.assign(random.normal(scale=0.2, size=weights.shape))
    return model
