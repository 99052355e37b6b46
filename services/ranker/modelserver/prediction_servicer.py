"""`tensorflow.serving.PredictionService`, as TensorFlow Serving answers it: Predict and GetModelMetadata.

Classify, Regress and MultiInference, which work on tf.Examples, answer UNIMPLEMENTED: the behavior model has no such
signature.
"""

from typing import Any, Final

import grpc

from services.common.errors import InvalidArgumentError
from services.ranker.modelserver.batcher import Batcher
from services.ranker.modelserver.manager import ModelManager
from services.ranker.modelserver.predict_inputs import DEFAULT_SIGNATURE, read_inputs, signature_of, wanted_outputs
from services.ranker.modelserver.servable import Servable
from services.ranker.tensor_codec import encode
from services.ranker.tf_protos import (
    get_model_metadata_pb2,
    model_pb2,
    predict_pb2,
    prediction_service_pb2_grpc,
)

SIGNATURE_DEF: Final = "signature_def"

Context = grpc.aio.ServicerContext[Any, Any]


class PredictionServicer(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Answers of the versions that the manager has loaded, computed by the batcher."""

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
