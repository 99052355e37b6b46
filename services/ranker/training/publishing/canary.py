"""Asks the model server whether it has loaded a version: the last check before the version ranks every page."""

import asyncio
from time import monotonic
from typing import Final

import grpc

from services.ranker.model.config import MODEL_NAME
from services.ranker.tf_protos import get_model_status_pb2, model_service_pb2_grpc
from services.ranker.training.report import Check

NAME: Final = "loads in the model server"
_NEEDED: Final = "the model server has it loaded and warmed up"
_POLL_SECONDS: Final = 0.25
_CALL_SECONDS: Final = 2.0

_State = get_model_status_pb2.ModelVersionStatus


async def check_loaded(channel: grpc.aio.Channel, version: int, seconds: float) -> Check:
    """Waits up to `seconds` until the model server reports a version as AVAILABLE.

    The check passes if no model server answers: it will find the version when it starts. It fails if one answers and
    doesn't load the version.
    """
    stub = model_service_pb2_grpc.ModelServiceStub(channel)
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = MODEL_NAME
    request.model_spec.version.value = version
    ends, state = monotonic() + seconds, "not looked at it yet"
    while True:
        try:
            response = await stub.GetModelStatus(request, timeout=_CALL_SECONDS)
        except grpc.aio.AioRpcError as error:
            if error.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}:
                return Check(NAME, passed=True, found="no model server answers", needed=_NEEDED)
            state = str(error.details())
        else:
            status = response.model_version_status[0]
            if status.state == _State.AVAILABLE:
                return Check(NAME, passed=True, found="it does", needed=_NEEDED)
            state = f"{_State.State.Name(status.state)} {status.status.error_message}".strip()
            if status.state == _State.END and status.status.error_code:
                return Check(NAME, passed=False, found=state, needed=_NEEDED)
        if monotonic() >= ends:
            return Check(NAME, passed=False, found=f"after {seconds:.0f} s: {state}", needed=_NEEDED)
        await asyncio.sleep(_POLL_SECONDS)
