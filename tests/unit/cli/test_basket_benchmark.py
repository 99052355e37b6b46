import asyncio
import dataclasses

import pandas as pd

from cli.benchmarks.baskets import bench_baskets
from cli.benchmarks.complete_journey import NextBaskets
from cli.benchmarks.training_shop import training_shop
from services.candidates.settings import CandidatesSettings
from services.common.progress import NoProgress
from tests.unit.ranker_model.conftest import tiny_plan
from vitrine.features.v1.item_pb2 import Item

DAY = 86_400_000
NOW = 1_700_000_000_000
USERS = 24


def next_baskets() -> NextBaskets:
    """Households that buy the same two things every week, and one thing of all others."""
    items = [Item(item_id=str(number), title=f"thing {number}", price=1.0, brand="b") for number in range(1, 31)]
    for number, item in enumerate(items):
        item.category_paths.add(names=["food", f"kind {number % 5}"])
    rows = []
    for user in range(USERS):
        for week in range(1, 13):
            mine = (1 + user % 10, 11 + user % 10, 1 + (7 * user + week) % 30)
            rows += [(user, item, NOW - week * 7 * DAY + user * 1_000, user * 100 + week) for item in sorted({*mine})]
    past = pd.DataFrame(rows, columns=["user", "item_no", "millis", "order"]).sort_values("millis")
    baskets = {user: frozenset({1 + user % 10, 11 + user % 10}) for user in range(USERS)}
    return NextBaskets(items, past, baskets, {0: {"age_band": "19-24"}}, NOW)


def test_habits_are_found_and_ranked_first() -> None:
    plan = dataclasses.replace(tiny_plan(), epochs=4)
    ranking = asyncio.run(bench_baskets(next_baskets(), CandidatesSettings(), plan, NoProgress(), seeds=2))
    assert ranking.users == USERS
    assert ranking.candidate_recall == 1.0
    assert ranking.rankings["personal_frequency"][0].recall > 0.9
    popularity = ranking.rankings["popularity"][0].ndcg
    assert [scores.ndcg > popularity + 0.2 for scores in ranking.rankings["model"]] == [True, True]
    assert len(ranking.rankings["perceptron"]) == len(ranking.epochs) == 2
    assert ranking.epochs[0] != ranking.epochs[1]


def test_the_shop_that_trains_is_the_one_before_the_cut() -> None:
    data = next_baskets()
    shop = training_shop(data)
    assert len(shop.table) == len(data.past)
    assert shop.table.millis[-1] < NOW
    assert shop.catalog.items.item_count == len(data.items)
    assert shop.attributes["u:0"]["age_band"].text == "19-24"
