from collections.abc import Mapping, Sequence

from cli.errors import CommandError, ExitCode
from cli.importer.column_names import did_you_mean, normal
from cli.importer.columns import ATTRIBUTE
from cli.importer.fields import Field, Kind, Values


def said_columns(
    maps: Mapping[str, str], files: Sequence[tuple[Kind, Sequence[str]]]
) -> list[dict[str, tuple[str, ...]]]:
    """The columns that `--map` says, for each file. A field that several kinds have is taken where the column is.

    Args:
        maps: columns by field, as they were said.
        files: kind and columns of each file.

    Raises:
        CommandError: there is no such field, or no file has the column.
    """
    by_file: list[dict[str, tuple[str, ...]]] = [{} for _ in files]
    for said, column in maps.items():
        name, kinds = find_field(said, [kind for kind, _ in files], option="--map")
        found = False
        for (kind, columns), mapped in zip(files, by_file, strict=True):
            if kind in kinds and (taken := _columns(column, columns, several=name == "category")):
                mapped[name] = taken
                found = True
        if not found:
            there = dict.fromkeys(known for kind, columns in files if kind in kinds for known in columns)
            raise CommandError(
                f"--map {said}={column}: there is no column {column!r}; there are {', '.join(there)}"
                + did_you_mean(column, there),
                ExitCode.USAGE,
            )
    return by_file


def find_field(said: str, kinds: Sequence[Kind], *, option: str) -> tuple[str, list[Kind]]:
    """The field of a name, "price" or "items.price", and the kinds that have it. "attributes.NAME" is of all kinds.

    Raises:
        CommandError: no kind has it.
    """
    prefix, dot, rest = said.partition(".")
    wanted, name = list(dict.fromkeys(kinds)), said
    if dot and prefix in {kind.name for kind in wanted}:
        wanted, name = [kind for kind in wanted if kind.name == prefix], rest
    if name.startswith((ATTRIBUTE, "context.")):
        return ATTRIBUTE + name.partition(".")[2], wanted
    matches = {kind: field for kind in wanted if (field := _field_of(kind, name))}
    if not matches:
        names = dict.fromkeys(field.name for kind in wanted for field in kind.fields)
        raise CommandError(
            f"{option} {said}: there is no field {name!r}; there are {', '.join(names)}" + did_you_mean(name, names),
            ExitCode.USAGE,
        )
    field = next(iter(matches.values()))
    return field.name, [kind for kind, match in matches.items() if match.name == field.name]


def _field_of(kind: Kind, name: str) -> Field | None:
    for field in kind.fields:
        plural = {"categories"} if field.values is Values.CATEGORIES else set()
        if normal(name) in {normal(field.name), *plural}:
            return field
    return None


def _columns(said: str, columns: Sequence[str], *, several: bool) -> tuple[str, ...]:
    if said in columns:
        return (said,)
    by_normal = {normal(column): column for column in reversed(columns)}
    if normal(said) in by_normal:
        return (by_normal[normal(said)],)
    parts = [normal(part) for part in said.split(",")]
    if several and all(part in by_normal for part in parts):
        return tuple(by_normal[part] for part in parts)
    return ()
