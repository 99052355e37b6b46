"""`python -m services.homepage` runs the homepage; `--help` lists its settings."""

from services.common.entrypoint import run
from services.homepage.app import build
from services.homepage.settings import HomepageSettings

if __name__ == "__main__":
    raise SystemExit(run(HomepageSettings, build))
