from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, Protocol

import grpc
import numpy as np
from numpy.typing import NDArray

from cli.evaluation.rankings.ranking import LENGTH
from cli.evaluation.rankings.served import Judged
from cli.evaluation.shop_view import ShopView
from services.common.progress import Progress
from services.common.timestamps import to_millis
from services.ranker.inputs.candidate_features import FEATURE_NAMES, candidate_features
from services.ranker.inputs.user_columns import UserColumns
from services.ranker.quiet_tensorflow import load_tensorflow_quietly
from services.ranker.training.examples.example_builder import ExampleBuilder
from services.ranker.training.examples.examples import Examples
from services.ranker.training.examples.next_visit import ACTIONS, Visit
from services.ranker.training.examples.sufficiency import require_examples, require_shop
from services.ranker.training.plan import TrainingPlan
from services.ranker.training.shop.replay import Replay
from services.ranker.training.shop.shop_reader import read_shop

BLOCK: Final = 512
"""Users whose features are held at a time."""


class FeatureScorer(Protocol):
    """Scores candidates by their features alone."""

    def scores(self, examples: Examples) -> NDArray[np.float32]:
        """Returns (examples, slots)."""
        ...


class PlainPerceptron:
    """The candidates that `RankerAlone` judged before, in the order of a perceptron over the candidate features."""

    name = "perceptron"
    meaning = "A plain neural network on the same candidates: what the model has to be better than."

    def __init__(
        self, scorer: FeatureScorer, judged: Mapping[str, Judged], shop: ShopView, query_time: datetime
    ) -> None:
        self._scorer = scorer
        self._judged = judged
        self._shop = shop
        self._millis = to_millis(query_time)

    async def rank(self, user_ids: Sequence[str], progress: Progress) -> dict[str, NDArray[np.int64]]:
        ranked: dict[str, NDArray[np.int64]] = {}
        with progress.task(f"ranking by {self.name}", len(user_ids)) as task:
            for begin in range(0, len(user_ids), BLOCK):
                part = user_ids[begin : begin + BLOCK]
                ranked.update(self._rank(part))
                task.advance(len(part))
        return ranked

    def _rank(self, user_ids: Sequence[str]) -> dict[str, NDArray[np.int64]]:
        candidates = {
            user_id: self._judged[user_id].item_nos if user_id in self._judged else np.zeros(0, np.int64)
            for user_id in user_ids
        }
        scores = self._scorer.scores(self._examples(candidates))
        return {
            user_id: item_nos[np.argsort(-row[: len(item_nos)], kind="stable")[:LENGTH]]
            for (user_id, item_nos), row in zip(candidates.items(), scores, strict=True)
        }

    def _examples(self, candidates: Mapping[str, NDArray[np.int64]]) -> Examples:
        """The users with their candidates, padded; of what became of them nothing is said."""
        count, slots = len(candidates), max(1, *map(len, candidates.values()))
        features = np.zeros((count, slots, len(FEATURE_NAMES)), np.float32)
        numbers = np.zeros((count, slots), np.int32)
        for place, (user_id, item_nos) in enumerate(candidates.items()):
            user = UserColumns.from_proto(self._shop.users[user_id])
            numbers[place, : len(item_nos)] = item_nos
            features[place, : len(item_nos)] = candidate_features(
                user, self._shop.catalog.items, item_nos, self._millis
            )
        labels = np.zeros((count, slots, len(ACTIONS)), np.float32)
        unknown = Visit(np.zeros(0, np.int64), np.zeros((0, len(ACTIONS)), np.float32))
        inputs = {"candidate_item_nos": numbers, "candidate_features": features}
        exposures = np.zeros((count, slots), np.uint8)
        return Examples(inputs, labels, labels[..., 0], exposures, [unknown] * count)


async def train_perceptron(
    events: grpc.aio.Channel, features: grpc.aio.Channel, before: datetime, progress: Progress
) -> FeatureScorer:
    """Trains on the log before a time, on the examples that the behavior model learns from.

    Raises FailedPreconditionError where there is too little to learn from, and grpc.RpcError.
    """
    shop = await read_shop(events, features, progress)
    require_shop(shop)
    # What came later is what is asked about.
    table, plan = shop.table.part(shop.table.millis < to_millis(before)), TrainingPlan()
    replay = Replay(table, shop.catalog, shop.attributes)
    builder = ExampleBuilder(table, replay, shop.catalog.shown_item_nos(), plan, shop.users)
    training, validation = builder.moments()
    require_examples(len(training), len(validation))
    examples = builder.build(training, [], progress).training
    load_tensorflow_quietly()
    from services.ranker.training.fitting.perceptron import Perceptron

    with progress.task("training the perceptron", 1) as task:
        scorer = Perceptron(examples, plan.seed)
        task.advance()
    return scorer
