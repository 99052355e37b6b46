import asyncio
from collections.abc import Awaitable, Callable

import grpc
import structlog

_log = structlog.get_logger("vitrine.background")


async def run_periodically(task: str, step: Callable[[], Awaitable[object]], pause_seconds: float) -> None:
    """Runs `step` beside the requests for as long as the service runs, with a pause after each time, whatever becomes
    of it. A fault is logged when it begins and when it ends, not at every turn in between; one of our own with its
    trace.
    """
    fault = ""
    while True:
        try:
            await step()
        except grpc.aio.AioRpcError as error:
            # By its code alone: the words of one and the same loss differ from try to try.
            if fault != error.code().name:
                _log.warning("background task cannot reach its service", task=task, error=_words(error))
            fault = error.code().name
        except Exception as error:  # noqa: BLE001  # a background task must outlive its bugs; the log has the trace
            if fault != type(error).__name__:
                _log.exception("background task failed", task=task)
            fault = type(error).__name__
        else:
            if fault:
                _log.info("background task recovered", task=task)
            fault = ""
        await asyncio.sleep(pause_seconds)


def _words(error: grpc.aio.AioRpcError) -> str:
    return f"{error.code().name}: {error.details()}"
