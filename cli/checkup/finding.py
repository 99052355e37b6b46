from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What a check came to."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    Args:
        check: what was looked at.
        verdict: what it came to.
        text: what was seen.
        remedy: what to do about it; empty where all is well.
    """

    check: str
    verdict: Verdict
    text: str
    remedy: str = ""
