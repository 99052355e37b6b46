"""SavedModels made by hand from protos, in milliseconds and without TensorFlow."""

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.ranker.tensor_codec import encode
from services.ranker.tf_protos import (
    meta_graph_pb2,
    predict_pb2,
    prediction_log_pb2,
    saved_model_pb2,
    types_pb2,
)

PREDICT = "tensorflow/serving/predict"


def write_line(base_path: Path, version: int, *, slope: float = 2.0, offset: float = 0.0) -> Path:
    """Writes a model whose `serving_default` answers y = slope * x + offset for x of shape [-1, 3].

    `echo` returns strings as they came; `scaled` takes x and `by` of one shape and returns their `product` and `sum`.
    """
    graph = _Graph()
    x = graph.placeholder("x", types_pb2.DT_FLOAT, (-1, 3))
    scaled = graph.operation("scaled", "Mul", types_pb2.DT_FLOAT, [x, graph.constant("slope", slope)])
    y = graph.operation("y", "AddV2", types_pb2.DT_FLOAT, [scaled, graph.constant("offset", offset)])
    text = graph.placeholder("text", types_pb2.DT_STRING, (-1,))
    echo = graph.operation("echo", "Identity", types_pb2.DT_STRING, [text])
    by = graph.placeholder("by", types_pb2.DT_FLOAT, (-1, 3))
    product = graph.operation("product", "Mul", types_pb2.DT_FLOAT, [x, by])
    total = graph.operation("sum", "AddV2", types_pb2.DT_FLOAT, [x, by])
    graph.signature("serving_default", {"x": x}, {"y": y}, (-1, 3))
    graph.signature("echo", {"text": text}, {"text": echo}, (-1,))
    graph.signature("scaled", {"x": x, "by": by}, {"product": product, "sum": total}, (-1, 3))
    return graph.write(base_path / str(version))


def write_warm_up(version_path: Path, inputs: Sequence[dict[str, NDArray[Any]]], signature_name: str = "") -> None:
    """Writes the file of requests that are replayed before the version serves."""
    folder = version_path / "assets.extra"
    folder.mkdir(exist_ok=True)
    with (folder / "tf_serving_warmup_requests").open("wb") as file:
        for arrays in inputs:
            request = predict_pb2.PredictRequest()
            request.model_spec.name = "line"
            request.model_spec.signature_name = signature_name
            for name, array in arrays.items():
                request.inputs[name].CopyFrom(encode(array))
            log = prediction_log_pb2.PredictionLog()
            log.predict_log.request.CopyFrom(request)
            data = log.SerializeToString()
            length = struct.pack("<Q", len(data))
            file.write(length + _masked_crc32c(length) + data + _masked_crc32c(data))


def _masked_crc32c(data: bytes) -> bytes:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF)


class _Graph:
    def __init__(self) -> None:
        self._meta = meta_graph_pb2.MetaGraphDef()
        self._meta.meta_info_def.tags.append("serve")
        self._meta.graph_def.versions.producer = 1000
        self._gives: dict[str, int] = {}

    def placeholder(self, name: str, dtype: int, shape: Sequence[int]) -> str:
        node = self._meta.graph_def.node.add(name=name, op="Placeholder")
        node.attr["dtype"].type = dtype
        for size in shape:
            node.attr["shape"].shape.dim.add(size=size)
        self._gives[name] = dtype
        return name

    def constant(self, name: str, value: float) -> str:
        node = self._meta.graph_def.node.add(name=name, op="Const")
        node.attr["dtype"].type = types_pb2.DT_FLOAT
        node.attr["value"].tensor.CopyFrom(encode(np.array(value, np.float32)))
        return name

    def operation(self, name: str, op: str, dtype: int, inputs: Sequence[str]) -> str:
        node = self._meta.graph_def.node.add(name=name, op=op, input=inputs)
        node.attr["T"].type = dtype
        self._gives[name] = dtype
        return name

    def signature(self, name: str, inputs: dict[str, str], outputs: dict[str, str], shape: Sequence[int]) -> None:
        signature = self._meta.signature_def[name]
        signature.method_name = PREDICT
        for infos, tensors in ((signature.inputs, inputs), (signature.outputs, outputs)):
            for alias, node in tensors.items():
                infos[alias].name = f"{node}:0"
                infos[alias].dtype = self._gives[node]
                for size in shape:
                    infos[alias].tensor_shape.dim.add(size=size)

    def write(self, path: Path) -> Path:
        model = saved_model_pb2.SavedModel(saved_model_schema_version=1, meta_graphs=[self._meta])
        aside = path.parent / f"draft-{path.name}"
        aside.mkdir(parents=True)
        (aside / "saved_model.pb").write_bytes(model.SerializeToString())
        return aside.rename(path)
