"""Turns exceptions into statuses: the one place where a call fails."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from typing import Any, Final, Never

import grpc
import structlog

from services.common.errors import (
    DeadlineExceededError,
    InternalError,
    UnavailableError,
    UnimplementedError,
    VitrineError,
)
from services.common.layers.layer import Context, Stream, Unary, WrappingLayer
from services.common.rpc_status import DETAILS_KEY, to_rpc_status

_PASSED_ON: Final = {
    grpc.StatusCode.UNAVAILABLE: UnavailableError,
    grpc.StatusCode.RESOURCE_EXHAUSTED: UnavailableError,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceededError,
}


class ErrorMappingLayer(WrappingLayer):
    """Answers a VitrineError with its code and details, and anything else with INTERNAL and a log id.

    What a call to another service failed with is that call's, not ours: only "try again" and "too late" are passed on.
    """

    def __init__(self) -> None:
        self._log = structlog.get_logger("vitrine.errors")

    def wrap_unary(self, method: str, behavior: Unary) -> Unary:
        async def mapped(request: Any, context: Context) -> Any:
            try:
                return await behavior(request, context)
            except grpc.aio.AbortError:
                raise
            except Exception as error:  # noqa: BLE001  # the last resort: nothing else may leave a servicer
                failure = error
            # Outside of the handler: a trace would take the error along with the abort, and quote what it quotes.
            return await self._abort(method, context, failure)

        return mapped

    def wrap_stream(self, method: str, behavior: Stream) -> Stream:
        async def mapped(request: Any, context: Context) -> AsyncIterator[Any]:
            try:
                async for response in behavior(request, context):
                    yield response
            except grpc.aio.AbortError:
                raise
            except Exception as error:  # noqa: BLE001  # the same
                failure = error
            else:
                return
            await self._abort(method, context, failure)

        return mapped

    async def _abort(self, method: str, context: Context, error: Exception) -> Never:
        # Generated servicers set this code and raise NotImplementedError for every method that a subclass leaves out.
        left_out = isinstance(error, NotImplementedError) and context.code() == grpc.StatusCode.UNIMPLEMENTED
        known = _method_unknown() if left_out else self._known(method, error)
        status = to_rpc_status(known)
        await context.abort(known.code, status.message, ((DETAILS_KEY, status.SerializeToString()),))

    def _known(self, method: str, error: Exception) -> VitrineError:
        if isinstance(error, VitrineError) and not isinstance(error, InternalError):
            return error
        if isinstance(error, grpc.aio.AioRpcError) and (kind := _PASSED_ON.get(error.code())):
            return kind(
                f"a service that {method} depends on answered {error.code().name}; try again",
                reason="DEPENDENCY_" + kind.default_reason,
            )
        log_id = secrets.token_hex(8)
        self._log.error("call failed", method=method, log_id=log_id, exc_info=error)
        return InternalError(
            f"internal error; the log has it under log_id {log_id}", reason="INTERNAL", metadata={"log_id": log_id}
        )


async def answer_unimplemented(_request: bytes, context: Context) -> Never:
    """Answers for every method that the server does not have."""
    error = _method_unknown()
    status = to_rpc_status(error)
    await context.abort(error.code, error.message, ((DETAILS_KEY, status.SerializeToString()),))


def _method_unknown() -> UnimplementedError:
    return UnimplementedError(
        "there is no such method on this server; ask its reflection service which there are", reason="METHOD_UNKNOWN"
    )
