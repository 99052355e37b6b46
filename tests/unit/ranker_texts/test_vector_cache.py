import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from services.common.clock import FixedClock
from services.ranker.texts.vector_cache import KEPT, VectorCache

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ONE, TWO = np.array([1, 0], np.float16), np.array([0, 1], np.float16)

WRITER = """
import sys, time
from pathlib import Path
import numpy as np
from services.common.clock import SystemClock
from services.ranker.texts.vector_cache import VectorCache

cache = VectorCache(Path(sys.argv[1]), "encoder 1", SystemClock())
print("begun", flush=True)
number = 0
while True:
    cache.keep({f"{number}-{place}": np.full(384, number, np.float16) for place in range(64)})
    number += 1
    time.sleep(0.005)  # an encoder takes longer
"""


def cache(path: Path, encoder: str = "encoder 1", clock: FixedClock | None = None) -> VectorCache:
    return VectorCache(path, encoder, clock or FixedClock(NOW))


def test_another_process_finds_what_was_kept(tmp_path: Path) -> None:
    path = tmp_path / "texts" / "vectors.sqlite"
    cache(path).keep({"milk": ONE, "Milk": TWO})
    found = cache(path).find(["milk", "Milk", "bread"])
    assert {text: vector.tolist() for text, vector in found.items()} == {"milk": [1, 0], "Milk": [0, 1]}


def test_another_encoder_or_version_finds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "vectors.sqlite"
    cache(path).keep({"milk": ONE})
    assert cache(path, "encoder 2").find(["milk"]) == {}
    assert cache(path, "other 1").find(["milk"]) == {}


def test_what_nobody_asks_for_goes(tmp_path: Path) -> None:
    path, clock = tmp_path / "vectors.sqlite", FixedClock(NOW)
    cache(path, clock=clock).keep({"milk": ONE, "bread": TWO})
    clock.advance(KEPT - timedelta(days=1))
    assert cache(path, clock=clock).find(["milk"]).keys() == {"milk"}
    clock.advance(timedelta(days=2))
    assert cache(path, clock=clock).find(["milk", "bread"]).keys() == {"milk"}


def test_a_broken_file_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "vectors.sqlite"
    path.write_bytes(b"this is no database, whatever its name says" * 100)
    kept = cache(path)
    assert kept.find(["milk"]) == {}
    kept.keep({"milk": ONE})
    assert kept.find(["milk"])["milk"].tolist() == [1, 0]


def test_a_place_that_cannot_be_written_to_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / "texts").write_text("a file stands where the folder should be")
    kept = cache(tmp_path / "texts" / "vectors.sqlite")
    kept.keep({"milk": ONE})
    assert kept.find(["milk"]) == {}


@pytest.mark.slow
@pytest.mark.parametrize("moment", range(3))
def test_a_writer_that_is_killed_leaves_whole_batches(tmp_path: Path, moment: int) -> None:
    path = tmp_path / "vectors.sqlite"
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, env=environment) as writer:
        assert writer.stdout is not None
        try:
            writer.stdout.readline()
            reader, deadline = cache(path), time.monotonic() + 60
            while not reader.find([f"{moment * 3}-63"]):
                assert time.monotonic() < deadline, "who reads waits for who writes"
        finally:
            writer.send_signal(signal.SIGKILL)
    kept = cache(path, clock=FixedClock(datetime.now(UTC)))  # what the writer's clock says
    for number in range(5_000):
        found = kept.find([f"{number}-{place}" for place in range(64)])
        assert len(found) in (0, 64)
        assert all((vector == number).all() and len(vector) == 384 for vector in found.values())
        if not found:
            break
    else:
        pytest.fail("the writer was not stopped")
    kept.keep({"milk": ONE})
    assert kept.find(["milk"])["milk"].tolist() == [1, 0]
