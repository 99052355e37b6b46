"""A client of TensorFlow Serving's PredictionService."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import grpc
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from services.ranker.model_fault import LATE, MISFIT, SERVER_UNAVAILABLE, ModelFault, VersionGone
from services.ranker.tensor_codec import TensorCodecError, decode, encode
from services.ranker.tf_protos import get_model_metadata_pb2, model_pb2, predict_pb2, prediction_service_pb2_grpc

Arrays = Mapping[str, NDArray[Any]]

_REASONS: Final = {
    grpc.StatusCode.DEADLINE_EXCEEDED: LATE,
    grpc.StatusCode.INVALID_ARGUMENT: MISFIT,
    grpc.StatusCode.FAILED_PRECONDITION: MISFIT,
}
STABLE: Final = "stable"
_SIGNATURE_DEF: Final = "signature_def"


@dataclass(frozen=True, slots=True)
class Metadata:
    """One version of the model, and its SignatureDefs by name."""

    version: int
    signatures: Mapping[str, Any]


class PredictionClient:
    """Calls one model. A selector is a version number, a label, or "": the version labeled stable or, if there is none,
    the latest. All failures are ModelFaults.
    """

    def __init__(self, channel: grpc.aio.Channel, model_name: str) -> None:
        self._stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        self._model_name = model_name

    async def metadata(self, selector: str, timeout: float) -> Metadata:  # noqa: ASYNC109  # gRPC's own timeout
        """Returns which version `selector` names now, and its signatures."""
        try:
            return await self._metadata(selector or STABLE, timeout)
        except _NoSuchLabel:
            if selector:
                raise
            return await self._metadata("", timeout)

    async def _metadata(self, selector: str, timeout: float) -> Metadata:  # noqa: ASYNC109  # gRPC's own timeout
        spec = model_pb2.ModelSpec(name=self._model_name)
        if selector.isascii() and selector.isdigit():
            spec.version.value = min(int(selector), 2**63 - 1)
        elif selector:
            spec.version_label = selector
        request = get_model_metadata_pb2.GetModelMetadataRequest(model_spec=spec, metadata_field=[_SIGNATURE_DEF])
        try:
            response = await self._stub.GetModelMetadata(request, timeout=timeout)
        except grpc.aio.AioRpcError as error:
            # Only an unknown model or label is INVALID_ARGUMENT here.
            if error.code() == grpc.StatusCode.INVALID_ARGUMENT:
                raise _NoSuchLabel(SERVER_UNAVAILABLE, _told(error)) from error
            raise ModelFault(SERVER_UNAVAILABLE, _told(error)) from error
        signatures = get_model_metadata_pb2.SignatureDefMap()
        try:
            unpacked = response.metadata[_SIGNATURE_DEF].Unpack(signatures)
        except DecodeError as error:
            raise ModelFault(MISFIT, f"the model's signatures can't be read: {error}") from error
        if not unpacked:
            raise ModelFault(MISFIT, "the model's metadata has no signatures")
        return Metadata(response.model_spec.version.value, dict(signatures.signature_def))

    async def predict(
        self,
        version: int,
        signature: str,
        inputs: Arrays,
        timeout: float,  # noqa: ASYNC109  # gRPC's own timeout
    ) -> dict[str, NDArray[Any]]:
        """Returns the outputs of `signature`. Raises VersionGone if that version isn't served."""
        request = predict_pb2.PredictRequest()
        request.model_spec.name = self._model_name
        request.model_spec.signature_name = signature
        request.model_spec.version.value = version
        for name, array in inputs.items():
            request.inputs[name].CopyFrom(encode(array))
        try:
            response = await self._stub.Predict(request, timeout=timeout)
            return {name: decode(tensor) for name, tensor in response.outputs.items()}
        except grpc.aio.AioRpcError as error:
            if error.code() == grpc.StatusCode.NOT_FOUND:
                raise VersionGone(_told(error)) from error
            raise ModelFault(_REASONS.get(error.code(), SERVER_UNAVAILABLE), _told(error)) from error
        except TensorCodecError as error:
            raise ModelFault(MISFIT, str(error)) from error


class _NoSuchLabel(ModelFault):
    """The model server has no version with that label."""


def _told(error: grpc.aio.AioRpcError) -> str:
    return f"the model server answered {error.code().name}: {error.details()}"
