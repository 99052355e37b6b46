from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from services.ranker.training.publishing.model_registry import ModelVersion


def render_models(versions: Sequence[ModelVersion], served: int | None) -> RenderableType:
    """The versions, the newest first, and the one that the model server answers with."""
    if not versions:
        return Text("There is no model yet: `vitrine train`.")
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
    return Group(table, Text("NDCG and recall are each version's own, at the end of the log that it was trained on."))


def _metric(metrics: dict[str, dict[str, float]], ranking: str, name: str) -> str:
    value = metrics.get(ranking, {}).get(name)
    return "" if value is None else f"{value:.4f}"


def _state(version: ModelVersion, served: int | None) -> str:
    if version.number == served:
        return "serving"
    if refusals := version.refusals:
        return ("there, but not promoted: " if version.is_there else "refused: ") + "; ".join(refusals)
    return "there" if version.is_there else "removed"
