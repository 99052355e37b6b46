import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


async def prefetched(values: Iterator[T]) -> AsyncIterator[T]:
    """The values of an iterator that computes, made in a thread, one ahead of who takes them."""
    upcoming = asyncio.create_task(asyncio.to_thread(next, values, None))
    try:
        while (value := await upcoming) is not None:
            upcoming = asyncio.create_task(asyncio.to_thread(next, values, None))
            yield value
    finally:
        # A thread cannot be stopped: the value under way is the last.
        with suppress(Exception):
            await upcoming
