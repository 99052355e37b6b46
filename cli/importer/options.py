from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How files are to be read, and what is to be done with them. The options of `vitrine import`, by the same names.

    Args:
        maps: column (for `category` several, separated by commas) of a field: {"price": "Preis"}. A field may be
            named with its kind, as in "items.price".
        missing: policy of a field for rows without a value: "leave-out", "absent", "default:VALUE", "median", "mode".
        attributes: columns that are attributes, each with a type if it is not text: ("color", "screen:number").
        category_separator: what parts the names of a category path that stands in one column.
        list_separator: what parts the values of a list (badges, texts, several categories) in one column.
        decimal: the decimal separator, "." or ","; empty: auto-detected per column.
        timezone: name of the zone of times that have none.
        day_first: whether 03/04/2025 is in April; None: auto-detected per column.
        encoding: of text files; empty: auto-detected per file.
        partial: change only the fields that there are columns for, instead of replacing items and users wholly.
        rejects: the rejects file; None: `imports/<first file>.rejects.csv` in the state directory.
        dry_run: check everything and send nothing.
        wait: end only when every imported event has been applied to the features.
        rows_per_chunk: rows in memory at a time.
    """

    maps: Mapping[str, str] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)
    attributes: Sequence[str] = ()
    category_separator: str = " > "
    list_separator: str = "|"
    decimal: str = ""
    timezone: str = "UTC"
    day_first: bool | None = None
    encoding: str = ""
    partial: bool = False
    rejects: Path | None = None
    dry_run: bool = False
    wait: bool = False
    rows_per_chunk: int = 20_000
