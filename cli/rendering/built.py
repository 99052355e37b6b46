from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from services.candidates.jobs.build import Built

_COUNTS = ("items", "pairs", "users", "ratings", "groups")


def render_built(built: Built) -> RenderableType:
    """What the candidates service gets to look up, and what was not good enough."""
    table = Table("table", "version", "in it", title="What candidates are found with", box=None, pad_edge=False)
    table.title_justify = "left"
    table.add_column("quality", justify="right")
    for name, artifact in built.artifacts.items():
        counts = ", ".join(f"{artifact.metadata[count]:,} {count}" for count in _COUNTS if count in artifact.metadata)
        quality = artifact.metadata.get("quality")
        table.add_row(name, artifact.version, counts, "" if quality is None else f"{quality:.4f}")
    parts: list[RenderableType] = [table]
    if not built.artifacts and not built.refused:
        parts = [Text("No two items have enough users in common: there is nothing to find candidates with yet.")]
    parts.extend(Text(f"{name}: {reason}") for name, reason in built.refused.items())
    return Group(*parts)
