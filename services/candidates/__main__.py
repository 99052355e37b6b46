from services.candidates.app import build
from services.candidates.settings import CandidatesSettings
from services.common.entrypoint import run

if __name__ == "__main__":
    raise SystemExit(run(CandidatesSettings, build))
