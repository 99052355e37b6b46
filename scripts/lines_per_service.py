"""Prints the lines of each part of the product and its longest file."""

import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from scripts.checks.lengths import SUFFIXES, count_lines
from scripts.checks.tree import ROOT, project_files


def main() -> int:
    """Prints one line a part: name, files, lines, longest file. Returns the exit code."""
    lengths = {path: count_lines(ROOT / path) for path in project_files() if path.suffix in SUFFIXES}
    print(*table(lengths), sep="\n")
    return 0


def table(lengths: dict[Path, int]) -> Iterable[str]:
    """Yields the table's lines for the lengths of files, given by their paths relative to the root."""
    parts: defaultdict[str, list[Path]] = defaultdict(list)
    for path in lengths:
        parts[part_of(path)].append(path)
    yield f"{'part':<22} {'files':>5} {'lines':>6}  longest file"
    for part, files in sorted(parts.items()):
        yield f"{part:<22} {len(files):>5} {sum(lengths[path] for path in files):>6}  {longest(lengths, files)}"
    yield f"{'all':<22} {len(lengths):>5} {sum(lengths.values()):>6}  {longest(lengths, lengths)}"


def part_of(path: Path) -> str:
    """Returns the part that a file belongs to: a service, or the top folder."""
    folders = path.parts[:-1]
    if not folders:
        return "."
    return "/".join(folders[:2]) if folders[0] == "services" else folders[0]


def longest(lengths: dict[Path, int], files: Iterable[Path]) -> str:
    """Returns the longest of `files` with its number of lines."""
    path = max(files, key=lambda file: (lengths[file], file.as_posix()))
    return f"{path.as_posix()} ({lengths[path]})"


if __name__ == "__main__":
    sys.exit(main())
