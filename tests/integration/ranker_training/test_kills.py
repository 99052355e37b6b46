"""A training that is killed in the middle of a write leaves what serves as it was; run again, it ends as if nothing had
been.
"""

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from services.common.progress import NoProgress
from services.ranker.training.examples.training_set import TrainingSet
from services.ranker.training.job import train_on
from services.ranker.training.publishing.publisher import Publisher
from services.ranker.training.report import TrainingReport
from tests.support.saved_model_files import write_line
from tests.support.training_shop import training_shop
from tests.unit.ranker_model.conftest import NOW, two_epochs

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> TrainingReport:
    """A run that nobody killed."""
    return run(tmp_path_factory.mktemp("whole"))


def run(state: Path) -> TrainingReport:
    publisher = Publisher(state, NOW + timedelta(hours=1))
    training_set = TrainingSet(state / "examples", b"secret")
    return train_on(training_shop(), two_epochs(), publisher, NoProgress(), {}, training_set=training_set)


def kill_while_writing(state: Path, what: str) -> None:
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(Path.cwd())}
    command = [sys.executable, "-m", "tests.support.killed_training", str(state), what]
    killed = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=280, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr


@pytest.mark.timeout(600)  # TensorFlow in a process of its own takes long on a busy machine
@pytest.mark.parametrize(
    ("writing", "cuts_made_again", "trains_again"),
    [("examples", True, True), ("checkpoint", False, True), ("export", False, False)],
)
def test_a_killed_training_run_again_ends_as_one_that_was_not(
    tmp_path: Path, whole: TrainingReport, writing: str, cuts_made_again: bool, trains_again: bool
) -> None:
    write_line(tmp_path / "models" / "behavior", 1)
    registry = Publisher(tmp_path, NOW).registry
    registry.promote(1)
    kill_while_writing(tmp_path, writing)
    assert (registry.numbers(), registry.labels()) == ([1], {"stable": 1})
    kept_epochs = 0
    if writing != "examples":
        # The checkpoint is whole: the first epoch's where the second's was being written.
        import numpy as np

        with np.load(tmp_path / "training" / "checkpoint.npz", allow_pickle=False) as saved:
            kept_epochs = str(saved["meta"]).count('"ndcg"')
    assert kept_epochs == {"examples": 0, "checkpoint": 1, "export": 2}[writing]

    again = run(tmp_path)
    assert again.published, again.failed_checks
    assert bool(again.made_cuts) == cuts_made_again
    assert again.losses == pytest.approx(whole.losses, rel=1e-4)
    assert registry.labels()["stable"] == 1
    assert registry.numbers() == [1, again.version]
    assert not list((tmp_path / "examples").rglob(".draft-*"))
    assert not (tmp_path / "training" / "checkpoint.npz").exists()
