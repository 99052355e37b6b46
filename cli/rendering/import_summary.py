from collections.abc import Mapping

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli.importer.summary import FileSummary, ImportSummary


def render_import_summary(summary: ImportSummary) -> RenderableType:
    """What became of each file, and what to look at."""
    title = "Checked, nothing was sent" if summary.dry_run else "Imported"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column("file", overflow="fold")
    for column in ("rows", "outcome", "twice", "rejected", "seconds", "rows/s"):
        table.add_column(column, justify="left" if column == "outcome" else "right")
    for file in summary.files:
        table.add_row(
            file.file.name,
            f"{file.rows:,}",
            counts(file.outcomes) or "nothing",
            f"{file.duplicates:,}",
            f"{file.rejected:,}",
            f"{file.seconds:.1f}",
            f"{file.rows_per_second:,.0f}",
        )
    notes = [note for file in summary.files for note in _notes(file)]
    if summary.rejects:
        notes.append(Text(f"{summary.rejected:,} rows were rejected; line, reason and remedy: {summary.rejects}"))
    return Group(table, *notes)


def _notes(file: FileSummary) -> list[Text]:
    notes = [f"{file.file.name}: {file.kind}, {file.form}"]
    if file.reasons:
        notes.append(f"  rejected: {counts(file.reasons)}")
    if file.missing:
        notes.append(f"  missing: {counts(file.missing)}")
    if file.unmapped:
        notes.append(f"  not taken: {', '.join(file.unmapped)} (--map FIELD=COLUMN, --attributes COLUMNS)")
    return [Text(note) for note in notes]


def counts(numbers: Mapping[str, int]) -> str:
    """Counts in words, the greatest first."""
    ordered = sorted(numbers.items(), key=lambda entry: (-entry[1], entry[0]))
    return ", ".join(f"{count:,} {name}" for name, count in ordered if count)
