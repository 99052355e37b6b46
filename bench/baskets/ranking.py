"""Trains on what was bought before the cut, then ranks each household's candidates."""

import dataclasses
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bench.candidate_quality.complete_journey import NextBaskets
from bench.candidate_quality.offline_shop import OfflineShop, catalog_changes
from services.candidates.settings import CandidatesSettings
from services.common import event_types
from services.common.progress import Progress
from services.features.definitions.observation import Observation
from services.ranker.training.examples.example_builder import ExampleBuilder
from services.ranker.training.examples.examples import Examples, ExampleWriter
from services.ranker.training.examples.next_visit import ACTIONS, Visit
from services.ranker.training.fitting.fit import fit_model, probabilities, values_of
from services.ranker.training.fitting.linear import fit_linear, linear_scores
from services.ranker.training.fitting.perceptron import Perceptron
from services.ranker.training.fitting.ranking_metrics import BASELINES, RankingMetrics, baseline_scores, ranking_metrics
from services.ranker.training.plan import TrainingPlan
from services.ranker.training.shop.catalog import TrainingCatalog
from services.ranker.training.shop.event_table import EventTableBuilder
from services.ranker.training.shop.replay import Attributes, Replay
from services.ranker.training.shop.shop_reader import ShopData
from vitrine.common.v1.attribute_pb2 import AttributeValue

CANDIDATES: Final = 300


@dataclass(frozen=True, slots=True)
class BasketRanking:
    """How well next baskets were ranked.

    Args:
        users: households with a next basket.
        candidate_recall: part of the baskets' items among the candidates.
        rankings: scores at 10 by what ranked the candidates, one for each training: "model" and "perceptron" have one
            for each seed, "linear" and the baselines one.
        epochs: the validation of each seed's model, epoch by epoch.
    """

    users: int
    candidate_recall: float
    rankings: dict[str, list[RankingMetrics]]
    epochs: list[list[RankingMetrics]]


async def bench_baskets(
    data: NextBaskets, settings: CandidatesSettings, plan: TrainingPlan, progress: Progress, seeds: int = 1
) -> BasketRanking:
    """Trains candidates and models on what was bought before the cut, then ranks each household's 300 candidates.

    The classes, jobs, features and settings are those that serve, in one process. The baskets are read once, at the
    end: the epoch is chosen on the weeks before the cut. Seeds differ in how a training begins and goes through the
    examples, which are the same for all.
    """
    shop = training_shop(data)
    replay = Replay(shop.table, shop.catalog, shop.attributes)
    builder = ExampleBuilder(shop.table, replay, shop.catalog.shown_item_nos(), plan, shop.users)
    sets = builder.build(*builder.moments(), progress)
    past = shop.table.item_nos[shop.table.millis < builder.schedule.validation_cuts[0]]
    linear = fit_linear(sets.training, plan.linear_rows, plan.seed)
    plans = [dataclasses.replace(plan, seed=plan.seed + number) for number in range(seeds)]
    perceptrons = [Perceptron(sets.training, one.seed) for one in plans]
    fits = [fit_model(past, sets, shop.catalog.items, one, progress) for one in plans]
    del sets
    examples = await _examples(data, settings, replay, plan.model.history_length, progress)
    scores: dict[str, list[NDArray[Any]]] = {
        "model": [values_of(probabilities(fit.model, examples)) for fit in fits],
        "perceptron": [perceptron.scores(examples) for perceptron in perceptrons],
        "linear": [linear_scores(examples, linear)],
        **{name: [baseline_scores(examples, name)] for name in BASELINES},
    }
    return BasketRanking(
        users=len(examples),
        candidate_recall=fmean(_found(examples)),
        rankings={name: [ranking_metrics(examples, one) for one in ranked] for name, ranked in scores.items()},
        epochs=[fit.epochs for fit in fits],
    )


async def _examples(
    data: NextBaskets, settings: CandidatesSettings, replay: Replay, history_length: int, progress: Progress
) -> Examples:
    """Returns the households as of the cut with the candidates that the sources find for them."""
    sources = OfflineShop(data.items, settings)
    sources.learn(data.past, progress, data.attributes)
    sources.remember(data.past[data.past.user.isin(data.baskets)], progress)
    retriever = sources.retriever()
    replay.advance(data.begin_millis)
    number_of = {visitor: number for number, visitor in enumerate(replay.table.visitors)}
    writer = ExampleWriter(len(data.baskets), CANDIDATES, history_length, replay.items)
    with progress.task("asking for candidates", total=len(data.baskets)) as task:
        for user, basket in data.baskets.items():
            retrieved = await sources.ask(retriever, user, data.begin_millis, CANDIDATES)
            visit = Visit(np.array(sorted(basket), np.int64), np.ones((len(basket), len(ACTIONS)), np.float32))
            item_nos = retrieved.item_nos[:CANDIDATES].astype(np.int64)
            writer.add(replay.user(number_of[f"u:{user}"]), data.begin_millis, visit, item_nos)
            task.advance()
    return writer.finish()


def _found(examples: Examples) -> list[float]:
    hits = examples.labels.max(axis=2).sum(axis=1).tolist()
    return [hit / len(visit.item_nos) for hit, visit in zip(hits, examples.visits, strict=True)]


def training_shop(data: NextBaskets) -> ShopData:
    """Returns what was bought before the cut as training reads a shop; items have the numbers from 1 on."""
    catalog = TrainingCatalog()
    catalog.apply(catalog_changes(data.items))
    builder = EventTableBuilder(catalog.item_no_of)
    columns = (data.past[name].tolist() for name in ("user", "item_no", "millis", "order"))
    for user, item_no, millis, order in zip(*columns, strict=True):
        builder.add_observation(
            f"u:{user}",
            Observation(event_types.PURCHASE, item_no, millis, f"{order}-{item_no}", order_id=str(order)),
        )
    table = builder.build()
    attributes: dict[str, Attributes] = {
        f"u:{user}": {name: AttributeValue(text=value) for name, value in values.items()}
        for user, values in data.attributes.items()
    }
    return ShopData(catalog, table, attributes, set(range(len(table.visitors))))
