"""A model in memory that does what a test wants."""

import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.common.errors import InvalidArgumentError
from services.ranker.modelserver.servable import Tensors
from services.ranker.tf_protos import meta_graph_pb2, types_pb2


class FakeModel:
    """y = 2 x. Waits for `go` before each run; refuses what holds a negative number; notes the rows of each run."""

    def __init__(self, *, batchable: bool = True) -> None:
        self.meta_graph: Any = meta_graph_pb2.MetaGraphDef()
        signature = self.meta_graph.signature_def["serving_default"]
        for infos, alias in ((signature.inputs, "x"), (signature.outputs, "y")):
            infos[alias].dtype = types_pb2.DT_FLOAT
            infos[alias].tensor_shape.dim.add(size=-1 if batchable else 1)
            infos[alias].tensor_shape.dim.add(size=-1)
        self.go = threading.Event()
        self.go.set()
        self.rows: list[int] = []
        self.closed = False

    def run(self, signature_name: str, inputs: Tensors) -> dict[str, NDArray[Any]]:
        assert signature_name == "serving_default"
        assert not self.closed
        assert self.go.wait(10)
        self.rows.append(inputs["x"].shape[0])
        if (inputs["x"] < 0).any():
            raise InvalidArgumentError("a negative number")
        return {"y": np.multiply(inputs["x"], 2)}

    def close(self) -> None:
        self.closed = True
