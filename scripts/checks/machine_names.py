"""Checks that the tree names no machine: neither a path that exists on one machine only nor a package registry's host.

The lock file is excepted: it says where each package comes from.
"""

import re
import sys
from pathlib import Path

from scripts.checks.tree import ROOT, project_files, report

EXCEPTED = {Path("uv.lock"), Path("web/package-lock.json")}

MACHINE_PATH = re.compile(r"(?<![\w.~$)}*-])/(?:work|root|home/\w+|Users/\w+|tmp/\w+)\b")
REGISTRY_HOST = re.compile(r"\b(?:[\w-]+\.)*(?:pypi\.org|pythonhosted\.org|registry\.npmjs\.org|yarnpkg\.com)\b")


def machine_names(root: Path, files: list[Path]) -> list[str]:
    """Returns a line for each place in `files` (relative to `root`) that names a machine. Binary files are left out."""
    findings = []
    for path in files:
        if path in EXCEPTED:
            continue
        try:
            lines = (root / path).read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(lines, start=1):
            findings += [f"{path}:{number}: {found}" for found in names_in(line)]
    return findings


def names_in(line: str) -> list[str]:
    """Returns what in a line of text names a machine, with what to do about it."""
    paths = [f"{match.group()!r} is a path of one machine: derive it" for match in MACHINE_PATH.finditer(line)]
    hosts = [f"{match.group()!r} is a registry's host: leave it out" for match in REGISTRY_HOST.finditer(line)]
    return paths + hosts


def main() -> int:
    """Checks the tree; returns the exit code."""
    return report("machine names", machine_names(ROOT, project_files()), "none in the tree")


if __name__ == "__main__":
    sys.exit(main())
