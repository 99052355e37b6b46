from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from cli.evaluation.held_out import HeldOutBaskets
from cli.evaluation.metrics import confidence_interval, ndcg_at, recall_at
from cli.evaluation.rankings import LENGTH, PersonalFrequency, Popularity, Ranking, ServedFeed, popular_items, rank_all
from cli.shop import Shop
from services.common.progress import Progress

CALLERS = 4


@dataclass(frozen=True, slots=True)
class Score:
    """How well a ranking met what users bought next: means over users, with the 95 % interval of the second."""

    recall: float
    ndcg: float
    ndcg_interval: tuple[float, float]


async def evaluate_shop(shop: Shop, held_out: HeldOutBaskets, progress: Progress) -> dict[str, Score]:
    """Compares what the running shop serves with two plain rankings, for every user of the held-out baskets.

    Returns:
        Scores by name: "served feed", "personal frequency", "popularity".
    """
    async with shop.channel("homepage") as homepage, shop.channel("features") as features:
        popular = await popular_items(features)
        rankings: Mapping[str, Ranking] = {
            "served feed": ServedFeed(homepage),
            "personal frequency": PersonalFrequency(features, popular),
            "popularity": Popularity(popular),
        }
        users = sorted(held_out.baskets)
        scores = {}
        for name, ranking in rankings.items():
            with progress.task(f"asking {name}", len(users)) as task:
                ranked = await rank_all(ranking, users, held_out.begin, callers=CALLERS, advance=task.advance)
            scores[name] = _score(ranked, held_out.baskets)
    return scores


def _score(ranked: Mapping[str, Sequence[str]], baskets: Mapping[str, frozenset[str]]) -> Score:
    ndcgs = [ndcg_at(LENGTH, ranked[user], basket) for user, basket in baskets.items()]
    return Score(
        recall=fmean(recall_at(LENGTH, ranked[user], basket) for user, basket in baskets.items()),
        ndcg=fmean(ndcgs),
        ndcg_interval=confidence_interval(ndcgs),
    )
