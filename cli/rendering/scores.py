from rich.table import Table

from cli.evaluation.probabilities import ProbabilityQuality
from cli.evaluation.result import EvaluationResult

COLUMNS = ("recall", "NDCG", "95 % interval", "hit rate", "shown", "again")


def render_scores(result: EvaluationResult) -> Table:
    """The rankings side by side, as they were given, in 80 columns: by their first places, how much of the catalog
    some user is shown, and how much of what is shown the user had bought before.
    """
    title = f"The next basket of {result.users} users against the first {result.length} items"
    table = Table("ranking", title=title, box=None, pad_edge=False, title_justify="left")
    for column in COLUMNS:
        table.add_column(column, justify="right")
    for ranking in result.rankings:
        accuracy, breadth = ranking.accuracy, ranking.breadth
        table.add_row(
            ranking.name,
            f"{accuracy.recall.mean:.4f}",
            f"{accuracy.ndcg.mean:.4f}",
            f"{accuracy.ndcg.low:.4f} – {accuracy.ndcg.high:.4f}",
            f"{accuracy.hit_rate.mean:.1%}",
            f"{breadth.coverage:.1%}",
            f"{breadth.repeated:.1%}",
        )
    return table


def render_probabilities(quality: ProbabilityQuality) -> str:
    """Whether the probabilities can be taken at their word, in one line."""
    return (
        f"Probabilities of {quality.candidates} candidates, {quality.positives} bought: AUC {quality.auc:.4f}, "
        f"calibration error {quality.calibration_error:.4f}, accuracy {quality.accuracy:.4f} "
        f"(of saying never: {quality.accuracy_of_never:.4f})."
    )
