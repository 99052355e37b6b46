from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import grpc

_Answer = TypeVar("_Answer")


@asynccontextmanager
async def answers_of(
    call: "grpc.aio.UnaryStreamCall[Any, _Answer]",
) -> AsyncIterator["grpc.aio.UnaryStreamCall[Any, _Answer]"]:
    """The answers of a stream while the block runs. Left before their end, by a fault of the reader's say, the call is
    cancelled: the server would go on sending, and both would keep what nobody reads.
    """
    try:
        yield call
    finally:
        call.cancel()
