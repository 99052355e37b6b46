"""`python -m services.features` runs the feature store; `--help` lists its settings."""

import sys
from typing import Final

from services.common.entrypoint import run
from services.features.app import build
from services.features.settings import FeaturesSettings

# Catalogue and states are written on a thread of Python code. Beside it the event loop gets the interpreter back after
# up to one interval, of 5 ms by default, at each of a call's several steps: too long for readers (see
# `make bench-features`).
_SWITCH_SECONDS: Final = 0.0005

if __name__ == "__main__":
    sys.setswitchinterval(_SWITCH_SECONDS)
    raise SystemExit(run(FeaturesSettings, build))
