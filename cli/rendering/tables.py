"""Tables of what was built, of model versions, and of an evaluation's scores."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    # For the types alone: one command's table isn't to import what another command works with.
    from cli.evaluation.probabilities import ProbabilityQuality
    from cli.evaluation.result import EvaluationResult
    from services.candidates.jobs.build import Built
    from services.ranker.training.publishing.model_registry import ModelVersion

_COUNTS = ("items", "pairs", "users", "ratings", "groups")


def render_built(built: "Built") -> RenderableType:
    """What was built for the candidates service, and what was refused."""
    table = Table("table", "version", "content", title="Candidate tables", box=None, pad_edge=False)
    table.title_justify = "left"
    table.add_column("quality", justify="right")
    for name, artifact in built.artifacts.items():
        counts = ", ".join(f"{artifact.metadata[count]:,} {count}" for count in _COUNTS if count in artifact.metadata)
        quality = artifact.metadata.get("quality")
        table.add_row(name, artifact.version, counts, "" if quality is None else f"{quality:.4f}")
    parts: list[RenderableType] = [table]
    if not built.artifacts and not built.refused:
        parts = [Text("No two items have enough users in common yet, so there are no candidate tables.")]
    parts.extend(Text(f"{name}: {reason}") for name, reason in built.refused.items())
    return Group(*parts)


def render_models(versions: "Sequence[ModelVersion]", served: int | None) -> RenderableType:
    """The versions, the newest first, and the one that the model server answers with."""
    if not versions:
        return Text("No model yet: `vitrine train` makes one.")
    table = Table("version", "labels", title="Behavior model", title_justify="left", box=None, pad_edge=False)
    for column in ("NDCG@10", "recall@10", "popularity"):
        table.add_column(column, justify="right")
    table.add_column("state", overflow="fold")
    for version in versions:
        metrics = version.record.get("metrics", {})
        table.add_row(
            str(version.number),
            ", ".join(version.labels),
            _metric(metrics, "model", "ndcg"),
            _metric(metrics, "model", "recall"),
            _metric(metrics, "popularity", "ndcg"),
            _state(version, served),
        )
    return Group(
        table, Text("NDCG and recall were measured for each version on the end of the log that it was trained on.")
    )


def _metric(metrics: dict[str, dict[str, float]], ranking: str, name: str) -> str:
    value = metrics.get(ranking, {}).get(name)
    return "" if value is None else f"{value:.4f}"


def _state(version: "ModelVersion", served: int | None) -> str:
    if version.number == served:
        return "serving"
    if refusals := version.refusals:
        return ("available, not promoted: " if version.is_there else "refused: ") + "; ".join(refusals)
    return "available" if version.is_there else "removed"


COLUMNS = ("recall", "NDCG", "95 % interval", "hit rate", "shown", "again")


def render_scores(result: "EvaluationResult") -> Table:
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


def render_probabilities(quality: "ProbabilityQuality") -> str:
    """How far the probabilities can be trusted, in one line."""
    return (
        f"Probabilities of {quality.candidates} candidates, {quality.positives} bought: AUC {quality.auc:.4f}, "
        f"calibration error {quality.calibration_error:.4f}, accuracy {quality.accuracy:.4f} "
        f"(of always saying never: {quality.accuracy_of_never:.4f})."
    )
