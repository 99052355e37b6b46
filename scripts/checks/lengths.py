"""Checks that no file of the product has more than 400 lines: a file that long holds more than one unit."""

import sys
from pathlib import Path

from scripts.checks.tree import ROOT, project_files, report

LIMIT = 400
SUFFIXES = {".py", ".proto", ".ts"}


def too_long(root: Path, files: list[Path], limit: int = LIMIT) -> list[str]:
    """Returns a line for each source file of `files` (relative to `root`) that has more than `limit` lines."""
    lengths = {path: count_lines(root / path) for path in files if path.suffix in SUFFIXES}
    return [f"{path}: {lines} lines, at most {limit}: split it" for path, lines in lengths.items() if lines > limit]


def count_lines(path: Path) -> int:
    """Returns the number of lines of a text file; the last one counts whether or not a newline ends it."""
    return len(path.read_text(encoding="utf-8").splitlines())


def main() -> int:
    """Checks the tree; returns the exit code."""
    files = project_files()
    return report("lengths", too_long(ROOT, files), f"no source file over {LIMIT} lines")


if __name__ == "__main__":
    sys.exit(main())
