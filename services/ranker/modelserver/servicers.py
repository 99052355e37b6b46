"""`tensorflow.serving.PredictionService` and `ModelService`, as TensorFlow Serving answers them.

Classify, Regress, and MultiInference, which work on tf.Examples, are UNIMPLEMENTED: the behavior model has no such
signature.
"""

from typing import Any, Final

import grpc

from services.common.errors import InvalidArgumentError, NotFoundError
from services.ranker.modelserver.batcher import Batcher
from services.ranker.modelserver.config import check_paths, read_config
from services.ranker.modelserver.manager import ModelManager
from services.ranker.modelserver.predict_inputs import DEFAULT_SIGNATURE, read_inputs, signature_of, wanted_outputs
from services.ranker.modelserver.servable import Servable
from services.ranker.tensor_codec import encode
from services.ranker.tf_protos import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_management_pb2,
    model_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

SIGNATURE_DEF: Final = "signature_def"

Context = grpc.aio.ServicerContext[Any, Any]


class PredictionServicer(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Serves the versions that the manager has loaded, through the batcher."""

    def __init__(self, manager: ModelManager, batcher: Batcher) -> None:
        self._manager = manager
        self._batcher = batcher

    async def Predict(self, request: Any, context: Context) -> Any:
        with self._find(request).in_use() as servable:
            name = request.model_spec.signature_name or DEFAULT_SIGNATURE
            signature = signature_of(servable.signatures, name)
            names = wanted_outputs(signature, request)
            outputs = await self._batcher.run(servable, name, read_inputs(signature, request))
            response = predict_pb2.PredictResponse(model_spec=_spec(servable, name))
            for output in names:
                response.outputs[output].CopyFrom(encode(outputs[output]))
            return response

    async def GetModelMetadata(self, request: Any, context: Context) -> Any:
        _require_spec(request)
        if not request.metadata_field:
            raise InvalidArgumentError("GetModelMetadataRequest must specify at least one metadata_field")
        for field in request.metadata_field:
            if field != SIGNATURE_DEF:
                raise InvalidArgumentError(f"Metadata field {field} is not supported")
        servable = self._find(request)
        signatures = get_model_metadata_pb2.SignatureDefMap()
        for name, signature in servable.signatures.items():
            signatures.signature_def[name].CopyFrom(signature)
        response = get_model_metadata_pb2.GetModelMetadataResponse(model_spec=_spec(servable))
        response.metadata[SIGNATURE_DEF].Pack(signatures)
        return response

    def _find(self, request: Any) -> Servable:
        _require_spec(request)
        spec = request.model_spec
        if not spec.name:
            raise InvalidArgumentError("ModelSpec has no name specified.", reason="NAME_REQUIRED")
        match spec.WhichOneof("version_choice"):
            case "version":
                return self._manager.servable(spec.name, version=spec.version.value)
            case "version_label":
                return self._manager.servable(spec.name, label=spec.version_label)
            case _:
                return self._manager.servable(spec.name)


def _require_spec(request: Any) -> None:
    if not request.HasField("model_spec"):
        raise InvalidArgumentError("Missing ModelSpec", reason="MODEL_SPEC_REQUIRED")


def _spec(servable: Servable, signature_name: str = "") -> Any:
    spec = model_pb2.ModelSpec(name=servable.name, signature_name=signature_name)
    spec.version.value = servable.version
    return spec


class ModelServicer(model_service_pb2_grpc.ModelServiceServicer):
    """The models' states, and their configuration."""

    def __init__(self, manager: ModelManager) -> None:
        self._manager = manager

    async def GetModelStatus(self, request: Any, context: Context) -> Any:
        if not request.HasField("model_spec"):
            raise InvalidArgumentError("Missing ModelSpec", reason="MODEL_SPEC_REQUIRED")
        spec = request.model_spec
        entries = self._manager.versions(spec.name)
        missing = f"Could not find any versions of model {spec.name}"
        if spec.WhichOneof("version_choice") == "version":
            entries = [entry for entry in entries if entry.number == spec.version.value]
            missing = f"Could not find version {spec.version.value} of model {spec.name}"
        if not entries:
            raise NotFoundError(missing, reason="MODEL_NOT_FOUND")
        response = get_model_status_pb2.GetModelStatusResponse()
        for entry in entries:
            status = response.model_version_status.add(version=entry.number, state=entry.state)
            status.status.error_code = entry.error_code
            status.status.error_message = entry.error_message
        return response

    async def HandleReloadConfigRequest(self, request: Any, context: Context) -> Any:
        configs = read_config(request.config)
        check_paths(configs)
        await self._manager.configure(configs)
        response = model_management_pb2.ReloadConfigResponse()
        response.status.error_code = 0
        return response
