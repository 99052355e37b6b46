"""A model server that does what a test wants, speaking TensorFlow Serving's protos."""

import asyncio
import contextlib
import zlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import numpy as np
from numpy.typing import NDArray

from services.ranker.inputs.candidate_features import FEATURE_NAMES
from services.ranker.inputs.item_text import TOKEN_SLOTS
from services.ranker.tensor_codec import decode, encode
from services.ranker.tf_protos import (
    get_model_metadata_pb2,
    predict_pb2,
    prediction_service_pb2_grpc,
    types_pb2,
)

Arrays = dict[str, NDArray[Any]]
ACTIONS = ("click", "favorite", "add_to_cart", "purchase")


def by_item_no(inputs: Arrays) -> Arrays:
    """Probabilities that fall with the number: 1 / (1 + item_no)."""
    column = (1.0 / (1.0 + inputs["candidate_item_nos"])).astype(np.float32)
    return {action: column * share for action, share in zip(ACTIONS, (1.0, 0.5, 0.4, 0.3), strict=True)}


def number_and_price(inputs: Arrays) -> Arrays:
    """A vector of number and logarithm of the price."""
    return {"item_vector": np.stack([inputs["item_nos"], inputs["log_prices"]], axis=1).astype(np.float32)}


class FakePredictionServer(prediction_service_pb2_grpc.PredictionServiceServicer):  # type: ignore[misc]  # untyped
    """Serves `versions` of one model; `rank`, `encode_items` and `delay_seconds` are what the test sets them to."""

    def __init__(self) -> None:
        self.versions = [1]
        self.labels: dict[str, int] = {}
        self.history_length = 50
        self.known_items: dict[int, str] = {}
        self.feature_count = len(FEATURE_NAMES)
        self.rank: Callable[[Arrays], Arrays] = by_item_no
        self.encode_items: Callable[[Arrays], Arrays] = number_and_price
        self.vector = np.arange(4, dtype=np.float32)
        self.vector_width = 0
        self.delay_seconds = 0.0
        self.abort: grpc.StatusCode | None = None
        self.asked: list[tuple[str, int, Arrays]] = []
        self.metadata_calls = 0

    async def GetModelMetadata(self, request: Any, context: Any) -> Any:
        self.metadata_calls += 1
        response = get_model_metadata_pb2.GetModelMetadataResponse(model_spec=request.model_spec)
        response.model_spec.version.value = await self._version(request.model_spec, context)
        signatures = get_model_metadata_pb2.SignatureDefMap()
        for name in ("rank", "encode_user"):
            signature = signatures.signature_def[name]
            _info(signature.inputs["history_item_nos"], types_pb2.DT_INT32, -1, self.history_length)
        rank = signatures.signature_def["rank"]
        _info(rank.inputs["candidate_features"], types_pb2.DT_FLOAT, -1, -1, self.feature_count)
        _info(rank.inputs["candidate_token_nos"], types_pb2.DT_UINT16, -1, -1, TOKEN_SLOTS)
        if self.vector_width:
            _info(rank.inputs["candidate_vectors"], types_pb2.DT_HALF, -1, -1, self.vector_width)
        for action in ACTIONS:
            _info(rank.outputs[action], types_pb2.DT_FLOAT, -1, -1)
        _info(signatures.signature_def["encode_user"].outputs["user_vector"], types_pb2.DT_FLOAT, -1, 4)
        if self.known_items:
            _info(signatures.signature_def["known_items"].inputs["places"], types_pb2.DT_INT32, -1)
        response.metadata["signature_def"].Pack(signatures)
        return response

    async def Predict(self, request: Any, context: Any) -> Any:
        version = await self._version(request.model_spec, context)
        inputs = {name: decode(tensor) for name, tensor in request.inputs.items()}
        self.asked.append((request.model_spec.signature_name, version, inputs))
        if self.delay_seconds:
            await asyncio.sleep(self.delay_seconds)
        if self.abort is not None:
            await context.abort(self.abort, "as the test wants it")
        if request.model_spec.signature_name == "encode_user":
            outputs = {"user_vector": self.vector[None, :]}
        elif request.model_spec.signature_name == "encode_item":
            outputs = self.encode_items(inputs)
        elif request.model_spec.signature_name == "known_items":
            marks = [zlib.crc32(item_id.encode()) for item_id in self.known_items.values()]
            outputs = {"item_nos": np.array([*self.known_items]), "item_marks": np.array(marks)}
        else:
            outputs = self.rank(inputs)
        response = predict_pb2.PredictResponse(model_spec=request.model_spec)
        for name, array in outputs.items():
            response.outputs[name].CopyFrom(encode(array))
        return response

    async def _version(self, spec: Any, context: Any) -> int:
        match spec.WhichOneof("version_choice"):
            case "version":
                version = spec.version.value
            case "version_label":
                if spec.version_label not in self.labels:
                    words = f"Unrecognized servable version label: {spec.version_label}"
                    await context.abort(grpc.StatusCode.INVALID_ARGUMENT, words)
                version = self.labels[spec.version_label]
            case _:
                version = max(self.versions, default=0)
        if version not in self.versions:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"Servable not found for request: {version}")
        return int(version)


@contextlib.asynccontextmanager
async def serving(fake: FakePredictionServer, port: int = 0) -> AsyncIterator[int]:
    """Serves the fake while the block runs; yields its port."""
    server = grpc.aio.server()
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(fake, server)
    bound = server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    try:
        yield bound
    finally:
        await server.stop(None)


def _info(info: Any, dtype: int, *sizes: int) -> None:
    info.dtype = dtype
    for size in sizes:
        info.tensor_shape.dim.add(size=size)
