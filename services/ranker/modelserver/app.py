"""The model server's composition root."""

import asyncio
import contextlib
import logging
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc

from services.ranker.modelserver.batcher import Batcher
from services.ranker.modelserver.config import ConfigWatch, first_configs
from services.ranker.modelserver.manager import ModelManager
from services.ranker.modelserver.servable import LoadedModel, LoadModel
from services.ranker.modelserver.servicers import ModelServicer, PredictionServicer
from services.ranker.modelserver.settings import ModelServerSettings
from services.ranker.modelserver.warmup import warm_up
from services.ranker.quiet_tensorflow import load_tensorflow_quietly
from services.ranker.tf_protos import model_service_pb2_grpc, prediction_service_pb2_grpc


class ModelServer:
    """The application: up at once, whatever the state of the models; GetModelStatus reports it."""

    name = "modelserver"

    def __init__(self, settings: ModelServerSettings, load: LoadModel) -> None:
        self._settings = settings
        self._configs = first_configs(settings)
        # Loading has a thread of its own: it takes seconds and must not delay answers.
        self._loader = ThreadPoolExecutor(1, thread_name_prefix="loader")
        self._workers = ThreadPoolExecutor(settings.batch_threads, thread_name_prefix="predict")
        self._watching: asyncio.Task[None] | None = None
        self._manager = ModelManager(load, self._loader)
        self._config_watch = ConfigWatch(settings, self._manager)
        self._batcher = Batcher(
            self._workers,
            parallelism=settings.batch_threads,
            max_batch_rows=settings.max_batch_rows,
            max_queued=settings.max_queued_requests,
            allowed_rows=settings.allowed_batch_rows,
        )

    def register(self, server: grpc.aio.Server) -> Sequence[str]:
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
            PredictionServicer(self._manager, self._batcher), server
        )
        model_service_pb2_grpc.add_ModelServiceServicer_to_server(ModelServicer(self._manager), server)
        return ["tensorflow.serving.PredictionService", "tensorflow.serving.ModelService"]

    async def start(self) -> None:
        self._watching = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watching
        await self._manager.close()
        # Off the event loop: running calls still have to send their answers.
        await asyncio.to_thread(self._loader.shutdown)
        await asyncio.to_thread(self._workers.shutdown)

    async def _watch(self) -> None:
        await self._manager.configure(self._configs, check_labels=False)
        await self._manager.watch(self._settings.poll_seconds, before=self._config_watch.poll)


def build(settings: ModelServerSettings) -> ModelServer:
    """Wires the server; imports TensorFlow, which takes seconds."""
    # oneDNN's kernels pay off for large matrices; with many small operations, a ranking model is half as fast.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    load_tensorflow_quietly()
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    from services.ranker.modelserver.saved_model import load_saved_model

    def load(path: Path) -> LoadedModel:
        model = load_saved_model(
            path, intra_op_threads=settings.intra_op_threads, inter_op_threads=settings.inter_op_threads
        )
        try:
            warm_up(model, path)
        except BaseException:
            model.close()
            raise
        return model

    return ModelServer(settings, load)
