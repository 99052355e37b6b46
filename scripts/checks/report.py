"""How every check ends: its findings, one line, an exit code."""

import sys


def report(check: str, findings: list[str], passed: str) -> int:
    """Prints the findings to stderr, or one line that says what was found in order; returns the exit code."""
    for finding in findings:
        print(finding, file=sys.stderr)
    if findings:
        print(f"{check}: {len(findings)} found", file=sys.stderr)
        return 1
    print(f"{check}: {passed}")
    return 0
