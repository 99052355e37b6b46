"""The server that the suite asks.

Nothing here knows whose server it is: with VITRINE_TEST_TENSORFLOW_SERVING (its address) and
VITRINE_TEST_TENSORFLOW_SERVING_MODELS (a directory that both the tests and the server see under this name, given to the
server as --model_base_path=<directory>/line --model_name=line --file_system_poll_wait_seconds=1
--allow_version_labels_for_unavailable_models=false) the same tests run against the real one.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.model_server_process import model_server
from tests.support.saved_model_files import write_line
from tests.support.serving_client import Server, State, connected, until


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if address := os.environ.get("VITRINE_TEST_TENSORFLOW_SERVING"):
        with connected(address, Path(os.environ["VITRINE_TEST_TENSORFLOW_SERVING_MODELS"])) as server:
            yield server
        return
    models = tmp_path_factory.mktemp("models")
    with model_server(models) as address, connected(address, models) as server:
        yield server


@pytest.fixture
def server(running: Server) -> Iterator[Server]:
    """The server with version 1 of the model `line` and nothing else."""
    shutil.rmtree(running.models / "line", ignore_errors=True)
    write_line(running.models / "line", 1)
    running.reload({"name": "line"})
    running.wait_for(1, State.AVAILABLE)
    until(lambda: all(s.state in (State.AVAILABLE, State.END) for s in running.states().values()))
    yield running
    for folder in running.models.iterdir():
        if folder.name not in {"line", "state"} and folder.is_dir():
            shutil.rmtree(folder)
