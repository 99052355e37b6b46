from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from cli.evaluation.rankings.plain_perceptron import BLOCK, PlainPerceptron
from cli.evaluation.rankings.served import Judged
from cli.evaluation.shop_view import ShopView
from services.common.progress import NoProgress
from services.ranker.inputs.candidate_features import FEATURE_NAMES
from services.ranker.training.examples.examples import Examples
from services.ranker.training.shop.catalog import TrainingCatalog
from vitrine.features.v1.user_features_pb2 import UserFeatures

BEGIN = datetime(2026, 5, 4, tzinfo=UTC)


class FakeScorer:
    """Scores by the candidates' numbers; notes how many users it was asked about at once."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def scores(self, examples: Examples) -> NDArray[np.float32]:
        self.asked.append(len(examples))
        features = examples.inputs["candidate_features"]
        assert features.shape == (*examples.real.shape, len(FEATURE_NAMES))
        assert not features[~examples.real].any()
        return examples.inputs["candidate_item_nos"].astype(np.float32)


def judged(*item_nos: int) -> Judged:
    return Judged(np.array(item_nos, np.int64), np.zeros(len(item_nos)), by_model=True)


async def test_ranks_each_users_own_candidates_by_the_scores() -> None:
    users = {"many": judged(*range(1, 15)), "few": judged(3, 9), "none": judged()}
    shop = ShopView(TrainingCatalog(), {user_id: UserFeatures() for user_id in (*users, "never asked")})
    ranking = PlainPerceptron(FakeScorer(), users, shop, BEGIN)
    ranked = await ranking.rank(list(shop.users), NoProgress())
    assert ranked["many"].tolist() == list(range(14, 4, -1))
    assert ranked["few"].tolist() == [9, 3]
    assert len(ranked["none"]) == len(ranked["never asked"]) == 0


async def test_asks_about_many_users_at_once_and_not_about_all() -> None:
    users = {str(number): judged(1) for number in range(BLOCK + 3)}
    scorer = FakeScorer()
    ranking = PlainPerceptron(scorer, users, ShopView(TrainingCatalog(), dict.fromkeys(users, UserFeatures())), BEGIN)
    assert len(await ranking.rank(list(users), NoProgress())) == BLOCK + 3
    assert scorer.asked == [BLOCK, 3]
