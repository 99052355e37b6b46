"""`tensorflow.serving.PredictionService`, as TensorFlow Serving answers it."""

from typing import Any, Final

import grpc

from services.common.errors import InvalidArgumentError, UnimplementedError
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

CLASSIFY: Final = "tensorflow/serving/classify"
REGRESS: Final = "tensorflow/serving/regress"
SIGNATURE_DEF: Final = "signature_def"

Context = grpc.aio.ServicerContext[Any, Any]


class PredictionServicer(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Predict and GetModelMetadata; the methods on tf.Examples are answered as for a model without such signatures."""

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

    async def Classify(self, request: Any, context: Context) -> Any:
        self._refuse_examples(request, CLASSIFY, "Expected classification signature method_name")

    async def Regress(self, request: Any, context: Context) -> Any:
        self._refuse_examples(request, REGRESS, "Expected a regression signature method_name")

    async def MultiInference(self, request: Any, context: Context) -> Any:
        if not request.tasks:
            raise InvalidArgumentError("The MultiInferenceRequest has no tasks; send at least one")
        for task in request.tasks:
            if task.method_name not in {CLASSIFY, REGRESS}:
                raise UnimplementedError(f"Unsupported signature method_name: {task.method_name}")
            self._refuse_examples(task, task.method_name, "Expected the signature's method_name")

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

    def _refuse_examples(self, request: Any, method: str, expected: str) -> None:
        signatures = self._find(request).signatures
        name = request.model_spec.signature_name or DEFAULT_SIGNATURE
        if name not in signatures:
            raise InvalidArgumentError(f"No signature was found with the name: {name}", reason="SIGNATURE_NOT_FOUND")
        if signatures[name].method_name != method:
            raise InvalidArgumentError(f"{expected} to be {method}. Was: {signatures[name].method_name}")
        raise UnimplementedError(
            f"This server computes no {method}; call Predict, or start TensorFlow Serving", reason="NO_EXAMPLES"
        )


def _require_spec(request: Any) -> None:
    if not request.HasField("model_spec"):
        raise InvalidArgumentError("Missing ModelSpec", reason="MODEL_SPEC_REQUIRED")


def _spec(servable: Servable, signature_name: str = "") -> Any:
    spec = model_pb2.ModelSpec(name=servable.name, signature_name=signature_name)
    spec.version.value = servable.version
    return spec
