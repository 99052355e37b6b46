from dataclasses import dataclass, replace
from random import Random
from statistics import fmean

import numpy as np

from cli.evaluation.held_out import HeldOutBaskets
from cli.evaluation.probabilities import ProbabilityQuality, judge
from cli.evaluation.rankings.ease import Ease
from cli.evaluation.rankings.item_knn import ItemKnn
from cli.evaluation.rankings.learned import HistoryScorer, Learned
from cli.evaluation.rankings.plain_perceptron import PlainPerceptron, train_perceptron
from cli.evaluation.rankings.popularity import PersonalFrequency, Popularity
from cli.evaluation.rankings.purchase_history import PurchaseHistory, read_history
from cli.evaluation.rankings.ranking import LENGTH, Ranking
from cli.evaluation.rankings.served import RankerAlone, ServedFeed
from cli.evaluation.rankings.tifu_knn import TifuKnn
from cli.evaluation.rankings.up_cf import UpCf
from cli.evaluation.result import EvaluationResult
from cli.evaluation.scoring import score
from cli.evaluation.segments import Baskets, segments_of
from cli.evaluation.shop_view import ShopView, view_shop
from cli.shop import Shop
from services.common.progress import Progress

SCORERS = (ItemKnn, Ease, TifuKnn, UpCf)


@dataclass(frozen=True, slots=True)
class EvaluationPlan:
    """What an evaluation takes its time for.

    Args:
        learned: also compare with rankings that are learned from all purchases (the log is read), and the ranker alone.
        judged_users: for how many users the probabilities are judged where the ranker is not compared.
        most_users: compare for so many users, drawn at random; None: for all.
    """

    learned: bool = True
    judged_users: int = 100
    most_users: int | None = None


QUICK = EvaluationPlan(learned=False)


async def evaluate_shop(
    shop: Shop, held_out: HeldOutBaskets, progress: Progress, plan: EvaluationPlan = EvaluationPlan()
) -> EvaluationResult:
    """Compares what the running shop serves with other rankings, for the users of the held-out baskets.

    Raises:
        grpc.RpcError: a service does not answer.
        FailedPreconditionError: there is too little to learn from for the learned rankings.
    """
    user_ids = sorted(held_out.baskets)
    if plan.most_users is not None and plan.most_users < len(user_ids):
        user_ids = sorted(Random(0).sample(user_ids, plan.most_users))
        held_out = replace(held_out, baskets={user_id: held_out.baskets[user_id] for user_id in user_ids})
    async with (
        shop.channel("homepage") as homepage,
        shop.channel("features") as features,
        shop.channel("candidates") as candidates,
        shop.channel("ranker") as ranker,
    ):
        view = await view_shop(features, user_ids, held_out.begin, progress)
        alone = RankerAlone(candidates, ranker, view, held_out.begin)
        rankings: list[Ranking] = [
            ServedFeed(homepage, view, held_out.begin),
            PersonalFrequency(view),
            Popularity(view),
        ]
        if plan.learned:
            async with shop.channel("events") as events:
                history = await read_history(events, view.catalog.item_no_of, held_out.begin, progress)
                perceptron = await train_perceptron(events, features, held_out.begin, progress)
            rankings += [
                alone,
                PlainPerceptron(perceptron, alone.judged, view, held_out.begin),
                *_learned(history, view, progress),
            ]
        else:
            await alone.rank(Random(0).sample(user_ids, min(plan.judged_users, len(user_ids))), progress)
        ranked = [await ranking.rank(user_ids, progress) for ranking in rankings]
    baskets = _numbered(held_out, view)
    segments = segments_of(view, baskets, held_out.begin)
    with progress.task("comparing", len(rankings)) as task:
        results = []
        for ranking, places in zip(rankings, ranked, strict=True):
            results.append(score(ranking, places, ranked[0], baskets=baskets, segments=segments, shop=view))
            task.advance()
    return EvaluationResult(
        begin=held_out.begin,
        users=len(user_ids),
        items=len(view.shown_item_nos),
        length=LENGTH,
        rankings=results,
        probabilities=_judged(alone, baskets),
        scored_by_model=fmean([judged.by_model for judged in alone.judged.values()] or [0.0]),
    )


def _learned(history: PurchaseHistory, view: ShopView, progress: Progress) -> list[Ranking]:
    fitted: list[HistoryScorer] = []
    with progress.task("learning what to compare with", len(SCORERS)) as task:
        for scorer in SCORERS:
            fitted.append(scorer(history))
            task.advance()
    return [Learned(scorer, history, view) for scorer in fitted]


def _numbered(held_out: HeldOutBaskets, view: ShopView) -> Baskets:
    """The baskets by item number. An item that is in no catalog gets one of its own below 0: it counts as missed."""
    known = view.catalog.item_no_of
    unknown = {item for basket in held_out.baskets.values() for item in basket if item not in known}
    number_of = known | {item: -number for number, item in enumerate(sorted(unknown), start=1)}
    return {user: frozenset(number_of[item] for item in held_out.baskets[user]) for user in sorted(held_out.baskets)}


def _judged(alone: RankerAlone, baskets: Baskets) -> ProbabilityQuality | None:
    if not alone.judged:
        return None
    users = sorted(alone.judged)
    probabilities = np.concatenate([alone.judged[user].purchase for user in users])
    labels = np.concatenate([np.isin(alone.judged[user].item_nos, list(baskets[user])) for user in users])
    return judge(probabilities, labels)
