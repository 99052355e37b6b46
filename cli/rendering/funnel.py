from collections import Counter

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from vitrine.homepage.v1 import page_pb2


def render_funnel(funnel: page_pb2.Funnel) -> RenderableType:
    """What became of the candidates, in sum, and what each unit of the pipeline took."""
    units = Table("unit", "stage", "outcome", "ms", "in", "out", box=None, pad_edge=False)
    for unit in funnel.units:
        milliseconds = unit.duration.seconds * 1000 + unit.duration.nanos / 1e6
        outcome = f"{unit.outcome} {unit.reason}".strip()
        units.add_row(
            unit.unit, unit.stage, outcome, f"{milliseconds:.1f}", str(unit.input_count), str(unit.output_count)
        )
    removed = Counter((trace.removed_by, trace.removed_reason) for trace in funnel.candidates if trace.removed_by)
    table = Table("removed", "by", "because", box=None, pad_edge=False)
    for (unit_name, reason), count in removed.most_common():
        table.add_row(str(count), unit_name, reason)
    placed = sum(1 for trace in funnel.candidates if trace.shelf_id)
    summary = Text(f"\n{len(funnel.candidates)} candidates, {placed} of them on the page", style="bold")
    return Group(summary, units, Text(), table)
