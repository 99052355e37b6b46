"""What is wrong with a shop's data or machine ends with the old version serving, or with a clear refusal."""

import dataclasses
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from services.common.errors import FailedPreconditionError
from services.common.progress import NoProgress
from services.ranker.known_items import KnownItems
from services.ranker.model.behavior_model import BehaviorModel
from services.ranker.model.export import export_model
from services.ranker.training.examples.example_builder import ExampleSets
from services.ranker.training.job import train_on
from services.ranker.training.publishing.gate import check_vectors
from services.ranker.training.publishing.publisher import Publisher
from tests.support.saved_model_files import write_line
from tests.support.training_shop import END, ITEMS, catalog_change, training_catalog, training_shop
from tests.unit.ranker_model.conftest import NOW, tiny_plan

EXPORT = """
import sys, time
from pathlib import Path
import numpy as np
from services.ranker.inputs.item_columns import ItemColumns
from services.ranker.inputs.tensors import with_content
from services.ranker.known_items import KnownItems
from services.ranker.model.behavior_model import BehaviorModel
from services.ranker.model.export import export_model
from services.ranker.model.embeddings import Vocabulary
from services.ranker.training.examples.examples import empty_inputs
from services.ranker.training.publishing.publisher import Publisher
from datetime import UTC, datetime
from tests.unit.ranker_model.conftest import tiny_plan

one = np.arange(1, 60)
model = BehaviorModel(tiny_plan().model, Vocabulary(one, np.ones(59, np.int64), one, one), 1)

def write(folder):
    example = with_content(empty_inputs(1, 64, tiny_plan().model.history_length), ItemColumns())
    export_model(model, folder, example, KnownItems(one, one))
    print("written", flush=True)
    time.sleep(600)

Publisher(Path(sys.argv[1]), datetime(2026, 3, 1, tzinfo=UTC)).draft(write)
"""


def export_process(state: Path) -> "subprocess.Popen[str]":
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(Path.cwd())}
    command = [sys.executable, "-c", EXPORT, str(state)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)


def serving(state: Path) -> Publisher:
    """A shop whose version 1 serves."""
    write_line(state / "models" / "behavior", 1)
    publisher = Publisher(state, NOW)
    publisher.registry.promote(1)
    return publisher


def untouched(publisher: Publisher) -> bool:
    return publisher.registry.numbers() == [1] and publisher.registry.labels() == {"stable": 1}


@pytest.mark.slow
@pytest.mark.timeout(600)  # TensorFlow in a process of its own takes long on a busy machine
def test_killed_while_it_exports(tmp_path: Path) -> None:
    publisher = serving(tmp_path)
    with export_process(tmp_path) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "written\n"
        process.send_signal(signal.SIGKILL)
    (draft,) = (tmp_path / "models" / "behavior").glob(".draft-*")
    assert untouched(publisher)
    publisher.discard(publisher.draft(lambda _: None))
    assert draft.exists()  # somebody may be at it still
    later = Publisher(tmp_path, NOW + timedelta(days=1_000))
    later.discard(later.draft(lambda _: None))
    assert not draft.exists()
    assert untouched(publisher)


@contextmanager
def no_room() -> Iterator[None]:
    """No file may grow beyond what the model's weights need: the system refuses the writes, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_no_room_while_it_exports(model: BehaviorModel, sets: ExampleSets, tmp_path: Path) -> None:
    publisher, known = serving(tmp_path), KnownItems.of(training_catalog().items)
    example = sets.validation.rank_inputs(slice(1))
    with no_room(), pytest.raises(OSError, match="can't be written to") as told:
        publisher.draft(lambda folder: export_model(model, folder, example, known))
    assert str(tmp_path) in str(told.value)
    assert list((tmp_path / "models" / "behavior").glob(".draft-*")) == []
    assert untouched(publisher)


def test_items_that_are_all_new_are_refused(tmp_path: Path) -> None:
    shop, publisher = training_shop(), serving(tmp_path)
    fresh = training_catalog()
    changes = [catalog_change(item_no) for item_no in range(1, ITEMS + 1)]
    for change in changes:
        change.item.available_from_time.FromMilliseconds(END)
    fresh.apply(changes)
    with pytest.raises(FailedPreconditionError, match="every item is newer"):
        train_on(dataclasses.replace(shop, catalog=fresh), tiny_plan(), publisher, NoProgress(), {})
    assert untouched(publisher)


def test_one_user_is_refused(tmp_path: Path) -> None:
    shop, publisher = training_shop(users=1), serving(tmp_path)
    with pytest.raises(FailedPreconditionError, match="events of 1 users"):
        train_on(shop, tiny_plan(), publisher, NoProgress(), {})
    assert untouched(publisher)


def test_a_vector_that_is_not_finite_fails_the_gate() -> None:
    vectors = np.ones((3, 4), np.float32)
    assert check_vectors(vectors).passed
    vectors[1, 2] = np.nan
    assert str(check_vectors(vectors)).startswith("finite for items: 1 of 3 item vectors are not finite")


def test_a_full_disk_is_told_as_the_system_tells_it(
    model: BehaviorModel, sets: ExampleSets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tensorflow as tf

    def full(*_: object, **__: object) -> None:
        raise tf.errors.ResourceExhaustedError(None, None, "No space left on device")

    monkeypatch.setattr(tf.saved_model, "save", full)
    example = sets.validation.rank_inputs(slice(1))
    with pytest.raises(OSError, match=r"can't be written to .* No space left on device"):
        export_model(model, tmp_path, example, KnownItems.of(training_catalog().items))
