import math
from collections.abc import Awaitable, Callable
from typing import Any

from services.candidates.elastic.feature_weights import FeatureWeights

HOLDERS = {"brand:a": 3, "brand:b": 20, "category:c": 90, "title:d": 3}
ITEMS = 100


class FakeCluster:
    """Answers like an index of ITEMS items; counts the questions."""

    def __init__(self) -> None:
        self.asked = 0

    async def ask(self, question: Callable[[Any], Awaitable[Any]]) -> Any:
        return await question(self)

    async def termvectors(self, *, doc: dict[str, list[str]], **options: object) -> Any:
        self.asked += 1
        terms = {name: {"doc_freq": HOLDERS[name]} for name in doc["features"] if name in HOLDERS}
        return {"term_vectors": {"features": {"field_statistics": {"doc_count": ITEMS}, "terms": terms}}}


def weights_of(cluster: FakeCluster, now: Callable[[], float] = lambda: 0.0) -> FeatureWeights:
    return FeatureWeights(cluster, "items", now)  # type: ignore[arg-type]  # what it asks of a cluster


async def test_a_feature_weighs_its_field_times_its_rarity_and_is_asked_for_once() -> None:
    cluster = FakeCluster()
    weights = weights_of(cluster)
    assert await weights.of(["title:d", "brand:b"]) == {"title:d": math.log1p(100 / 3), "brand:b": 0.7 * math.log1p(5)}
    await weights.of(["brand:b"])
    assert cluster.asked == 1
    assert (await weights.of(["title:new"]))["title:new"] == math.log1p(100), "nothing is rarer than what nobody has"


async def test_rarities_are_asked_for_again_after_ten_minutes() -> None:
    cluster, now = FakeCluster(), [0.0]
    weights = weights_of(cluster, lambda: now[0])
    await weights.of(HOLDERS)
    now[0] = 601.0
    await weights.of(HOLDERS)
    assert cluster.asked == 2


async def test_the_rarest_are_as_many_as_the_items_that_may_be_looked_at_have() -> None:
    weights = weights_of(FakeCluster())
    await weights.of(HOLDERS)
    assert weights.rarest(HOLDERS, 1_000) == ["brand:a", "title:d", "brand:b", "category:c"]
    assert weights.rarest(HOLDERS, 26) == ["brand:a", "title:d", "brand:b"]
    assert weights.rarest(HOLDERS, 25) == ["brand:a", "title:d"]
    assert weights.rarest(["category:c"], 25) == ["category:c"], "one is always gone by"
    assert weights.rarest([], 25) == []
