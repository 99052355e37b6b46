"""`python -m services.features` runs the feature store; `--help` lists its settings."""

from services.common.entrypoint import run
from services.features.app import build
from services.features.settings import FeaturesSettings

if __name__ == "__main__":
    raise SystemExit(run(FeaturesSettings, build))
