"""What the report says in words: the figures for who runs the shop, not for who trains the model."""

from typing import Final

from cli.evaluation.result import EvaluationResult, RankingResult

GLOSSARY: Final = {
    "Precision": "Of ten items shown, the share that the customer then bought.",
    "Recall": "Of what the customer then bought, the share that was among the ten shown.",
    "F1": "Precision and recall in one number: high only where both are.",
    "Hit rate": "Share of customers for whom at least one of the ten was right.",
    "NDCG": "As recall, but a hit in the first place counts more than one in the tenth. 1 is the best possible order.",
    "MRR": "How far in front the first right item stands: 1 in the first place, ½ in the second, ⅓ in the third.",
    "MAP": "How well right items are gathered in front, over all places.",
    "95 % interval": "With other customers of this kind the figure would most likely lie in it, too.",
    "Catalog shown": "Share of all items that at least one customer sees among the ten.",
    "Diversity": "How different ten items are by category: 0 all of one kind, 1 each of another.",
    "Novelty": "How surprising the items are, in bits: 1 bit more is an item that half as many customers buy.",
    "Bought before": "Share of the ten that the customer had bought earlier.",
    "AUC": "How often an item that was bought has a higher probability than one that was not: 0.5 is guessing.",
    "Calibration error": "How far probabilities and what really happened lie apart on average: 0 is right.",
    "Accuracy": "How often “will be bought” or “will not” is said rightly. Nearly nothing is bought, so saying “never” "
    "is right nearly always; read it beside that.",
}


def headline(result: EvaluationResult) -> str:
    """What came out, in a sentence or two."""
    served, *others = result.rankings
    found = served.accuracy.precision.mean * result.length
    text = (
        f"{result.users:,} customers came back and bought something. Of the {result.length} items that their page "
        f"showed first, {found:.1f} were in that purchase on average, and for {served.accuracy.hit_rate.mean:.0%} of "
        "the customers at least one was."
    )
    return " ".join([text, *([against(served, best_of(others))] if others else [])])


def best_of(rankings: list[RankingResult]) -> RankingResult:
    """The ranking with the highest NDCG."""
    return max(rankings, key=lambda one: one.accuracy.ndcg.mean)


def against(served: RankingResult, other: RankingResult) -> str:
    """How the served feed stands to another ranking, and whether that is more than chance."""
    gap = other.behind_served
    ratio = served.accuracy.ndcg.mean / other.accuracy.ndcg.mean - 1 if other.accuracy.ndcg.mean else float("inf")
    if gap.low > 0:
        return f"That is better than the best other way of choosing them here, {other.name}, by {ratio:.0%} (NDCG)."
    if gap.high < 0:
        return f"The best other way of choosing them here, {other.name}, does better: the page is {-ratio:.0%} behind."
    return f"It is as good as the best other way of choosing them here, {other.name}: what differs may be chance."


def verdict(other: RankingResult) -> str:
    """The same as one word for a table."""
    gap = other.behind_served
    return "page better" if gap.low > 0 else "page worse" if gap.high < 0 else "no clear difference"
