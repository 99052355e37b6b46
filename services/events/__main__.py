"""`python -m services.events` runs the event log; `--help` lists its settings."""

import sys
from typing import Final

from services.common.entrypoint import run
from services.events.app import build
from services.events.settings import EventsSettings

# The writer's thread lets go of the interpreter whenever it waits for the disk, several times a commit. Beside a busy
# event loop it gets it back after up to one interval, of 5 ms by default: with a tenth of that, a fifth more calls of
# one event each are answered (`make bench-events`).
_SWITCH_SECONDS: Final = 0.0005

if __name__ == "__main__":
    sys.setswitchinterval(_SWITCH_SECONDS)
    raise SystemExit(run(EventsSettings, build))
