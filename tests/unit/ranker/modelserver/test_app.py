"""The model server's composition root, in process."""

import asyncio
import threading
from pathlib import Path

from services.ranker.modelserver.app import ModelServer
from services.ranker.modelserver.servable import LoadedModel
from services.ranker.modelserver.settings import ModelServerSettings


def no_model(path: Path) -> LoadedModel:
    raise AssertionError("there are no models here")


async def test_stopping_lets_calls_that_run_send_their_answers(tmp_path: Path) -> None:
    server = ModelServer(ModelServerSettings(model_base_path=tmp_path), no_model)
    await server.start()
    released = threading.Event()
    answer = asyncio.get_running_loop().run_in_executor(server._workers, released.wait, 10)
    # Only a loop that is not held up by stop() releases the call.
    asyncio.get_running_loop().call_later(0.05, released.set)
    await server.stop()
    assert await answer
