import fcntl
from pathlib import Path

from cli.importer.from_elasticsearch.index_copy import COPY, POSITION


def remove_unfinished(folder: Path) -> tuple[list[Path], list[Path]]:
    """Removes the copies of imports that were cut short: the next import copies its index anew.

    Returns:
        The copies that were removed, and those that an import is working on now: they stay.
    """
    removed: list[Path] = []
    in_use: list[Path] = []
    for position in sorted(folder.glob(f"*{POSITION}")):
        copy = position.with_name(position.name.removesuffix(POSITION) + COPY)
        with copy.open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                in_use.append(copy)
                continue
            position.unlink()
            copy.unlink()
            removed.append(copy)
    return removed, in_use
