"""`tensorflow.serving.ModelService`, as TensorFlow Serving answers it."""

from typing import Any

import grpc

from services.common.errors import InvalidArgumentError, NotFoundError
from services.ranker.modelserver.config import check_paths, read_config
from services.ranker.modelserver.manager import ModelManager
from services.ranker.tf_protos import get_model_status_pb2, model_management_pb2, model_service_pb2_grpc

Context = grpc.aio.ServicerContext[Any, Any]


class ModelServicer(model_service_pb2_grpc.ModelServiceServicer):
    """Where the models stand, and what is to be served."""

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
