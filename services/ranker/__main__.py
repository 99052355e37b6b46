"""`python -m services.ranker`."""

from services.common.entrypoint import run
from services.ranker.app import build
from services.ranker.settings import RankerSettings

if __name__ == "__main__":
    raise SystemExit(run(RankerSettings, build))
