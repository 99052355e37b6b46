"""From rankings and purchases to the figures of a result."""

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cli.evaluation import breadth, metrics
from cli.evaluation.bootstrap import difference, estimate
from cli.evaluation.rankings.ranking import LENGTH, Ranking
from cli.evaluation.result import Accuracy, Breadth, RankingResult, SegmentScore
from cli.evaluation.segments import Baskets, Segment
from cli.evaluation.shop_view import ShopView

Ranked = Mapping[str, NDArray[np.int64]]

_METRICS: Final[Mapping[str, Callable[[int, Sequence[Hashable], Collection[Hashable]], float]]] = {
    "precision": metrics.precision_at,
    "recall": metrics.recall_at,
    "f1": metrics.f1_at,
    "hit_rate": metrics.hit_at,
    "ndcg": metrics.ndcg_at,
    "mrr": metrics.reciprocal_rank_at,
    "map": metrics.average_precision_at,
}


def score(
    ranking: Ranking,
    ranked: Ranked,
    served: Ranked,
    *,
    baskets: Baskets,
    segments: Sequence[Segment],
    shop: ShopView,
) -> RankingResult:
    """Returns the figures of one ranking beside the served feed, for the same users."""
    return RankingResult(
        ranking.name,
        ranking.meaning,
        accuracy_of(ranked, baskets),
        breadth_of(ranked, shop),
        [SegmentScore(part.kind, part.name, len(part.baskets), accuracy_of(ranked, part.baskets)) for part in segments],
        difference(_each(metrics.ndcg_at, served, baskets), _each(metrics.ndcg_at, ranked, baskets)),
    )


def accuracy_of(ranked: Ranked, baskets: Baskets) -> Accuracy:
    """Returns the means over the baskets' users, with intervals."""
    return Accuracy(**{name: estimate(_each(metric, ranked, baskets)) for name, metric in _METRICS.items()})


def breadth_of(ranked: Ranked, shop: ShopView) -> Breadth:
    """Returns what the ranking shows; means leave out users whose list is too short to say."""
    items = shop.catalog.items
    lists = list(ranked.values())
    return Breadth(
        coverage=breadth.coverage(lists, len(shop.shown_item_nos)),
        diversity=_mean([breadth.diversity(part, items.category_nos) for part in lists]),
        novelty_bits=_mean([breadth.novelty(part, items.buyer_counts, shop.users_of_shop) for part in lists]),
        repeated=_mean([breadth.repeated(part, shop.bought(user)) for user, part in ranked.items()]),
    )


def _each(
    metric: Callable[[int, Sequence[Hashable], Collection[Hashable]], float], ranked: Ranked, baskets: Baskets
) -> list[float]:
    return [metric(LENGTH, ranked[user].tolist(), basket) for user, basket in baskets.items()]


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")
