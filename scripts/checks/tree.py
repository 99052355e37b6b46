"""What the checks share: the files that they look at, those that Git tracks or would track, and how each check ends."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def project_files(root: Path = ROOT) -> list[Path]:
    """Returns the existing files under `root` that Git does not ignore, as paths relative to `root`, sorted."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, check=True, capture_output=True).stdout.decode()
    return sorted({Path(name) for name in listed.split("\0") if name and (root / name).is_file()})


def report(check: str, findings: list[str], passed: str) -> int:
    """Prints the findings to stderr, or one line that says what was found in order; returns the exit code."""
    for finding in findings:
        print(finding, file=sys.stderr)
    if findings:
        print(f"{check}: {len(findings)} found", file=sys.stderr)
        return 1
    print(f"{check}: {passed}")
    return 0
