"""`python -m services.ranker.modelserver`."""

from services.common.entrypoint import run
from services.ranker.modelserver.app import build
from services.ranker.modelserver.settings import ModelServerSettings

if __name__ == "__main__":
    raise SystemExit(run(ModelServerSettings, build))
