import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

CALLERS = 4

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


class Advance(Protocol):
    """Told how many more are done."""

    def __call__(self, count: int = 1) -> None:
        """Count on."""


async def ask_all(
    asked: Sequence[Asked], call: Callable[[Asked], Awaitable[Answer]], advance: Advance
) -> dict[Asked, Answer]:
    """Asks for every element, a few at a time; the answers by element."""
    gate = asyncio.Semaphore(CALLERS)

    async def one(element: Asked) -> tuple[Asked, Answer]:
        async with gate:
            answer = await call(element)
        advance()
        return element, answer

    return dict(await asyncio.gather(*(one(element) for element in asked)))
