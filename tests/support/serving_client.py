"""Asks a model server by TensorFlow Serving's public protos, whoever's server it is."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from numpy.typing import NDArray

from services.ranker.tensor_codec import encode
from services.ranker.tf_protos import (
    get_model_status_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

State = get_model_status_pb2.ModelVersionStatus
X = np.arange(6, dtype=np.float32).reshape(2, 3)
OK = 0


@dataclass
class Server:
    address: str
    models: Path
    predictions: Any
    management: Any

    def predict(self, request: Any) -> Any:
        return self.predictions.Predict(request, timeout=20)

    def states(self, model: str = "line") -> dict[int, Any]:
        request = get_model_status_pb2.GetModelStatusRequest()
        request.model_spec.name = model
        try:
            response = self.management.GetModelStatus(request, timeout=20)
        except grpc.RpcError as error:
            if error.code() == grpc.StatusCode.NOT_FOUND:
                return {}
            raise
        return {status.version: status for status in response.model_version_status}

    def wait_for(self, version: int, state: int, model: str = "line") -> Any:
        """Returns the first status of the version that is of this state."""

        def wanted() -> Any:
            status = self.states(model).get(version)
            return status if status is not None and status.state == state else None

        return until(wanted)

    def reload(self, *models: dict[str, Any]) -> Any:
        request = model_management_pb2.ReloadConfigRequest()
        for model in models:
            config = request.config.model_config_list.config.add(
                name=model["name"], base_path=str(self.models / model.get("directory", model["name"]))
            )
            config.model_platform = "tensorflow"
            config.model_version_policy.specific.versions.extend(model.get("versions", []))
            for label, version in model.get("labels", {}).items():
                config.version_labels[label] = version
            if not model.get("versions"):
                config.model_version_policy.latest.num_versions = 1
        return self.management.HandleReloadConfigRequest(request, timeout=30)


@contextmanager
def connected(address: str, models: Path) -> Iterator[Server]:
    with grpc.insecure_channel(address) as channel:
        yield Server(
            address,
            models,
            prediction_service_pb2_grpc.PredictionServiceStub(channel),
            model_service_pb2_grpc.ModelServiceStub(channel),
        )


def until(condition: Callable[[], Any], seconds: float = 30.0) -> Any:
    """Returns what the condition answered when it came about."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.02)
    return answer


def predict_request(inputs: dict[str, NDArray[Any]] | None = None, **spec: Any) -> Any:
    request = predict_pb2.PredictRequest()
    request.model_spec.name = spec.get("name", "line")
    request.model_spec.signature_name = spec.get("signature_name", "")
    if "version" in spec:
        request.model_spec.version.value = spec["version"]
    if "label" in spec:
        request.model_spec.version_label = spec["label"]
    for name, array in (inputs if inputs is not None else {"x": X}).items():
        request.inputs[name].CopyFrom(encode(array))
    return request


def error_of(call: Callable[[], Any]) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    error: Any = caught.value
    return error.code(), error.details()
