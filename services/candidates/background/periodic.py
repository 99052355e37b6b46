import asyncio
from collections.abc import Awaitable, Callable

import grpc
import structlog


async def every(seconds: float, name: str, step: Callable[[], Awaitable[None]]) -> None:
    """Runs `step` for ever, with a pause of `seconds` in between, whatever becomes of it.

    A fault is logged when it begins and when it ends, not at every turn in between.
    """
    log = structlog.get_logger("vitrine.candidates")
    fault = ""
    while True:
        try:
            await step()
        except grpc.RpcError as error:
            fault = _report(log, name, fault, _code(error))
        except Exception as error:  # a background task must outlive its bugs; the log has the trace
            if fault != type(error).__name__:
                log.exception("background task failed", task=name)
            fault = type(error).__name__
        else:
            if fault:
                log.info("background task recovered", task=name)
            fault = ""
        await asyncio.sleep(seconds)


def _report(log: structlog.stdlib.BoundLogger, name: str, known: str, fault: str) -> str:
    if fault != known:
        log.warning("background task cannot reach its service", task=name, code=fault)
    return fault


def _code(error: grpc.RpcError) -> str:
    return error.code().name if isinstance(error, grpc.aio.AioRpcError) else type(error).__name__
