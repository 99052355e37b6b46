"""`python -m services.events` runs the event log; `--help` lists its settings."""

from services.common.entrypoint import run
from services.events.app import build
from services.events.settings import EventsSettings

if __name__ == "__main__":
    raise SystemExit(run(EventsSettings, build))
