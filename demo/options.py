import os
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """How the demo runs.

    Args:
        folder: where the demo shop lives; runs of the demo share it.
        exit: end when everything was shown, instead of at Ctrl-C.
        picture: the SVG file to draw a page in, for the documentation; None: no picture.
        started: when the person at the terminal began, in seconds since 1970: the set-up is part of the time.
    """

    folder: Path
    exit: bool
    picture: Path | None
    started: float


def started_at() -> float:
    """When `make demo` began or, without make, now."""
    said = os.environ.get("VITRINE_DEMO_STARTED_AT", "")
    return float(said) if said.replace(".", "", 1).isdigit() else time.time()
