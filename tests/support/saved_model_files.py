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
CLASSIFY = "tensorflow/serving/classify"
REGRESS = "tensorflow/serving/regress"


def write_line(base_path: Path, version: int, *, slope: float = 2.0, offset: float = 0.0) -> Path:
    """Writes a model whose `serving_default` answers y = slope * x + offset for x of shape [-1, 3].

    `echo` returns strings as they came; `scaled` takes x and `by` of one shape and returns their `product` and `sum`.
    `classify` and `regress` parse tf.Examples with a number `x` (absent: 7): a class of that name with the score
    slope * x, and the value slope * x.
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
    examples = graph.placeholder("examples", types_pb2.DT_STRING, (-1,))
    parsed = graph.parse_number("parsed", examples, "x", 7.0)
    score = graph.operation("score", "Mul", types_pb2.DT_FLOAT, [parsed, "slope"])
    label = graph.operation("label", "AsString", types_pb2.DT_FLOAT, [parsed], gives=types_pb2.DT_STRING)
    graph.signature("classify", {"inputs": examples}, {"classes": label, "scores": score}, (-1, 1), CLASSIFY)
    graph.signature("regress", {"inputs": examples}, {"outputs": score}, (-1, 1), REGRESS)
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

    def constant(self, name: str, value: float, shape: Sequence[int] = ()) -> str:
        node = self._meta.graph_def.node.add(name=name, op="Const")
        node.attr["dtype"].type = types_pb2.DT_FLOAT
        node.attr["value"].tensor.CopyFrom(encode(np.full(shape, value, np.float32)))
        return name

    def text(self, name: str, *values: bytes) -> str:
        node = self._meta.graph_def.node.add(name=name, op="Const")
        node.attr["dtype"].type = types_pb2.DT_STRING
        shape = () if len(values) == 1 else (len(values),)
        node.attr["value"].tensor.CopyFrom(encode(np.array(values, object).reshape(shape)))
        return name

    def operation(self, name: str, op: str, dtype: int, inputs: Sequence[str], *, gives: int | None = None) -> str:
        """Adds an operation on `dtype`, which gives the same type or the one that is named."""
        node = self._meta.graph_def.node.add(name=name, op=op, input=inputs)
        node.attr["T"].type = dtype
        self._gives[name] = dtype if gives is None else gives
        return name

    def parse_number(self, name: str, examples: str, feature: str, default: float) -> str:
        """Adds the parsing of one number an example, (examples, 1)."""
        names, keys = self.text(f"{name}/names"), self.text(f"{name}/keys", feature.encode())
        default_value = self.constant(f"{name}/default", default, shape=(1,))
        node = self._meta.graph_def.node.add(name=name, op="ParseExample", input=[examples, names, keys, default_value])
        node.attr["Nsparse"].i, node.attr["Ndense"].i = 0, 1
        node.attr["sparse_types"].list.SetInParent()
        node.attr["Tdense"].list.type.append(types_pb2.DT_FLOAT)
        node.attr["dense_shapes"].list.shape.add().dim.add(size=1)
        self._gives[name] = types_pb2.DT_FLOAT
        return name

    def signature(
        self,
        name: str,
        inputs: dict[str, str],
        outputs: dict[str, str],
        shape: Sequence[int],
        method_name: str = PREDICT,
    ) -> None:
        signature = self._meta.signature_def[name]
        signature.method_name = method_name
        for infos, tensors in ((signature.inputs, inputs), (signature.outputs, outputs)):
            for alias, node in tensors.items():
                infos[alias].name = f"{node}:0"
                infos[alias].dtype = self._gives[node]
                for size in shape if alias != "inputs" else shape[:1]:
                    infos[alias].tensor_shape.dim.add(size=size)

    def write(self, path: Path) -> Path:
        model = saved_model_pb2.SavedModel(saved_model_schema_version=1, meta_graphs=[self._meta])
        aside = path.parent / f"draft-{path.name}"
        aside.mkdir(parents=True)
        (aside / "saved_model.pb").write_bytes(model.SerializeToString())
        return aside.rename(path)
