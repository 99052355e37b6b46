import asyncio
import dataclasses
import json
from pathlib import Path

import pandas as pd
import pytest

from bench.baskets import __main__ as command
from bench.baskets.ranking import BasketRanking, bench_baskets, training_shop
from bench.candidate_quality.complete_journey import NextBaskets
from services.candidates.settings import CandidatesSettings
from services.common.progress import NoProgress
from services.ranker.training.fitting.ranking_metrics import RankingMetrics
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


@pytest.mark.slow
def test_habits_are_found_and_ranked_first() -> None:
    plan = dataclasses.replace(tiny_plan(), epochs=4)
    ranking = asyncio.run(bench_baskets(next_baskets(), CandidatesSettings(), plan, NoProgress()))
    assert ranking.users == USERS
    assert ranking.candidate_recall == 1.0
    assert ranking.rankings["personal_frequency"][0].recall > 0.9
    assert ranking.rankings["model"][0].ndcg > ranking.rankings["popularity"][0].ndcg + 0.2
    assert len(ranking.rankings["perceptron"]) == len(ranking.epochs) == 1


def test_the_shop_that_trains_is_the_one_before_the_cut() -> None:
    data = next_baskets()
    shop = training_shop(data)
    assert len(shop.table) == len(data.past)
    assert shop.table.millis[-1] < NOW
    assert shop.catalog.items.item_count == len(data.items)
    assert shop.attributes["u:0"]["age_band"].text == "19-24"


def test_figures_are_means_over_the_seeds_with_their_spread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    async def bench(*options: object) -> BasketRanking:
        asked.append(options[-1])
        scores = [RankingMetrics(0.2, 0.1), RankingMetrics(0.3, 0.1)]
        return BasketRanking(5, 0.4, {"model": scores, "linear": scores[:1]}, [[], []])

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "read_next_baskets", next_baskets)
    monkeypatch.setattr("bench.baskets.ranking.bench_baskets", bench)
    command.main(2, tiny_plan(), NoProgress())
    assert asked == [2]
    said = json.loads(Path("build/figures/baskets.json").read_text(encoding="utf-8"))["figures"]
    values = {name: round(figure["value"], 4) for name, figure in said.items()}
    assert values == {
        "baskets.candidates.recall300": 0.4,
        "baskets.linear.ndcg10": 0.2,
        "baskets.linear.recall10": 0.1,
        "baskets.seed1.ndcg10": 0.2,
        "baskets.seed2.ndcg10": 0.3,
        "baskets.ndcg10_deviation": 0.0707,
        "baskets.ndcg10": 0.25,
        "baskets.seed1.recall10": 0.1,
        "baskets.seed2.recall10": 0.1,
        "baskets.recall10_deviation": 0.0,
        "baskets.recall10": 0.1,
    }
