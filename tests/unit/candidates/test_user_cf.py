import numpy as np
import pytest

from services.candidates.artifacts.user_ratings import UserRatings
from services.candidates.sources.user_cf import UserCf, similar_users
from tests.support.candidates_shop import Shop, bought, viewed
from vitrine.features.v1.user_features_pb2 import UserFeatures

SHRINKAGE = 5.0


def pearson(mine: dict[int, float], theirs: dict[int, float]) -> tuple[float, int]:
    """Σ_k (r_ik - μ_i)(r_jk - μ_j) / (√Σ_k (r_ik - μ_i)² √Σ_k (r_jk - μ_j)²), word for word, k of both."""
    means = [np.mean(list(ratings.values())) for ratings in (mine, theirs)]
    common = [(mine[k] - means[0], theirs[k] - means[1]) for k in mine.keys() & theirs.keys()]
    norm = np.sqrt(sum(a * a for a, _ in common)) * np.sqrt(sum(b * b for _, b in common))
    return (float(sum(a * b for a, b in common) / norm) if norm > 1e-9 else 0.0), len(common)


def table(users: list[dict[int, float]]) -> UserRatings:
    shop = Shop()
    for item_no in range(1, 60):
        shop.put(item_no)
    shop.ratings(*users)
    value = shop.inputs.user_ratings.value
    assert value is not None
    return value


@pytest.mark.parametrize("seed", range(5))
def test_users_are_alike_by_pearson_over_common_items(seed: int) -> None:
    random = np.random.default_rng(seed)

    def taste() -> dict[int, float]:
        items = random.choice(np.arange(1, 41), size=12, replace=False)
        return {int(item): float(np.float32(random.gamma(2.0))) for item in items}

    users, visitor = [taste() for _ in range(120)], taste()
    found, similarities = similar_users(
        table(users), np.array(list(visitor), np.uint32), np.array(list(visitor.values()))
    )
    expected = {}
    for number, user in enumerate(users):
        similarity, common = pearson(visitor, user)
        if common >= 2 and similarity > 0:
            expected[number] = similarity * common / (common + SHRINKAGE)
    best = sorted(expected.values(), reverse=True)[:50]
    assert len(best) > 10
    assert similarities == pytest.approx(best, abs=1e-6)
    assert [expected[int(user)] for user in found] == pytest.approx(similarities.tolist(), abs=1e-6)


@pytest.mark.parametrize(
    ("users", "visitor"),
    [
        ([{1: 2.0, 2: 2.0, 3: 2.0}], {1: 3.0, 2: 1.0}),  # who rates all alike has no variance
        ([{1: 3.0, 2: 1.0}], {1: 1.0, 2: 1.0}),  # nor has a visitor who does
        ([{1: 3.0, 4: 1.0}], {1: 3.0, 2: 1.0}),  # one item in common says nothing
        ([{7: 3.0, 8: 1.0}], {1: 3.0, 2: 1.0}),  # nor does none
        ([{1: 1.0, 2: 3.0}], {1: 3.0, 2: 1.0}),  # the opposite taste is no neighbor
    ],
)
def test_who_is_not_alike_is_no_neighbor(users: list[dict[int, float]], visitor: dict[int, float]) -> None:
    found, similarities = similar_users(
        table(users), np.array(list(visitor), np.uint32), np.array(list(visitor.values()))
    )
    assert len(found) == len(similarities) == 0


async def test_it_proposes_what_the_like_minded_took() -> None:
    shop = Shop()
    for item_no in range(1, 8):
        shop.put(item_no)
    like_minded = {1: 4.0, 2: 1.0, 3: 3.0, 4: 0.5}
    shop.ratings(like_minded, {1: 4.0, 2: 1.0, 4: 3.0, 3: 2.0}, {1: 1.0, 2: 4.0, 5: 3.0})
    shop.open()
    visitor = viewed(bought(UserFeatures(), 1, 2, 1), 2, 200)
    proposals = await UserCf(shop.inputs).propose(shop.query(visitor), 10)
    assert proposals.item_nos.tolist() == [3, 4]
    assert proposals.evidence_item_nos is None


async def test_an_item_of_everyone_and_a_history_of_thousands_cost_no_more() -> None:
    shop = Shop()
    random = np.random.default_rng(0)
    for item_no in range(1, 3001):
        shop.put(item_no)
    shop.ratings(*({1: 2.0, int(random.integers(2, 3000)): 1.0, 3000: 0.5} for _ in range(30_000)))
    shop.open()
    visitor = UserFeatures()
    for item_no in range(1, 3001):
        bought(visitor, item_no, item_no / 10 + 1)
    proposals = await UserCf(shop.inputs).propose(shop.query(visitor), 10)
    assert np.isfinite(proposals.scores).all()
    # 1 and 3000 are everyone's: the first is rated above, the second below the mean, as by this visitor.
    few = viewed(bought(UserFeatures(), 1, 3), 3000, 300)
    proposals = await UserCf(shop.inputs).propose(shop.query(few), 10)
    assert len(proposals) == 10
