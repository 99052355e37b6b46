"""Next-basket benchmark of the candidate sources on a grocer's year."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from bench.candidate_quality.complete_journey import NextBaskets
from bench.candidate_quality.offline_shop import OfflineShop, source_shares
from cli.evaluation.metrics import ndcg_at, recall_at
from services.candidates.retrieval import Retrieved
from services.candidates.settings import CandidatesSettings
from services.common.progress import Progress

LENGTH = 10
CANDIDATES = 300


@dataclass(frozen=True, slots=True)
class SourceScores:
    """What one source finds of next baskets; means over households.

    Args:
        ndcg, recall: of its first 10, over all of the basket.
        new_ndcg, new_recall: the same without what the household bought before, on both sides.
        share: part of the basket's items that it proposes among its quota.
        unique_share: part of the basket's items that it alone proposes.
    """

    ndcg: float
    recall: float
    new_ndcg: float
    new_recall: float
    share: float
    unique_share: float


@dataclass(frozen=True, slots=True)
class BasketScores:
    """Scores by source, and the recall of the 300 best of all together."""

    users: int
    recall_at_300: float
    sources: dict[str, SourceScores]


async def bench_baskets(data: NextBaskets, settings: CandidatesSettings, progress: Progress) -> BasketScores:
    """Learns what was bought before the cut and asks every household's sources for its first basket after it."""
    shop = OfflineShop(data.items, settings)
    shop.learn(data.past, progress, data.attributes)
    shop.remember(data.past[data.past.user.isin(data.baskets)], progress)
    bought = {int(str(user)): frozenset(numbers) for user, numbers in data.past.groupby("user").item_no}
    retriever = shop.retriever()
    together: list[float] = []
    rows: dict[str, list[tuple[float, ...]]] = {}
    with progress.task("asking for candidates", total=len(data.baskets)) as task:
        for user, basket in data.baskets.items():
            retrieved = await shop.ask(retriever, user, data.begin_millis, CANDIDATES)
            together.append(len(basket.intersection(retrieved.item_nos.tolist())) / len(basket))
            for name, row in _scores(retrieved, basket, bought.get(user, frozenset())).items():
                rows.setdefault(name, []).append(row)
            task.advance()
    sources = {
        name: SourceScores(*(_mean(column) for column in zip(*found, strict=True))) for name, found in rows.items()
    }
    return BasketScores(len(data.baskets), fmean(together), sources)


def _scores(retrieved: Retrieved, basket: frozenset[int], bought: frozenset[int]) -> dict[str, tuple[float, ...]]:
    shares = source_shares(retrieved, basket)
    new = basket - bought
    rows: dict[str, tuple[float, ...]] = {}
    for made in retrieved.outcomes:
        item_nos = made.proposals.item_nos.tolist()
        fresh = [number for number in item_nos if number not in bought]
        rows[made.source] = (
            *_at_ten(item_nos, basket),
            *(_at_ten(fresh, new) if new else (np.nan, np.nan)),
            *shares[made.source],
        )
    return rows


def _at_ten(item_nos: Sequence[int], wanted: frozenset[int]) -> tuple[float, float]:
    ranked, relevant = [str(number) for number in item_nos], {str(number) for number in wanted}
    return ndcg_at(LENGTH, ranked, relevant), recall_at(LENGTH, ranked, relevant)


def _mean(values: Sequence[float]) -> float:
    """The mean over those of whom the question can be asked."""
    return float(np.nanmean(values)) if not np.isnan(values).all() else 0.0
