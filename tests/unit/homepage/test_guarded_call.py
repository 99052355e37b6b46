"""What a failed call says of the dependency behind it."""

import asyncio
import contextlib

import grpc
import pytest

from services.common.circuit_breaker import CircuitBreaker
from services.common.errors import CancelledError, DeadlineExceededError, NotFoundError, UnavailableError, VitrineError
from services.homepage.clients.guarded_call import GuardedCall


class FakeMethod:
    """Answers, or fails with `code`; counts its calls."""

    def __init__(self, code: grpc.StatusCode | None = None, delay: float = 0.0) -> None:
        self.code = code
        self.delay = delay
        self.calls = 0

    async def __call__(self, request: str, *, timeout: float) -> str:  # noqa: ASYNC109  # gRPC's word
        self.calls += 1
        await asyncio.sleep(self.delay)
        if self.code is not None:
            raise grpc.aio.AioRpcError(self.code, grpc.aio.Metadata(), grpc.aio.Metadata(), details="fake")
        return f"{request} {timeout}"


def guarded(method: FakeMethod) -> GuardedCall[str, str]:
    return GuardedCall("Method", method, CircuitBreaker(lambda: 0.0, threshold=2))  # type: ignore[arg-type]


async def fail(call: GuardedCall[str, str], seconds: float = 1.0, times: int = 5) -> list[type[VitrineError]]:
    kinds: list[type[VitrineError]] = []
    for _ in range(times):
        with pytest.raises(VitrineError) as caught:
            await call("request", seconds)
        kinds.append(type(caught.value))
    return kinds


async def test_an_answer_comes_through_with_its_deadline() -> None:
    assert await guarded(FakeMethod())("request", 0.5) == "request 0.5"


async def test_a_dead_dependency_is_called_twice_and_then_left_alone() -> None:
    method = FakeMethod(grpc.StatusCode.UNAVAILABLE)
    assert await fail(guarded(method)) == [UnavailableError] * 5
    assert method.calls == 2


async def test_a_late_dependency_is_left_alone_where_it_was_given_a_fair_time() -> None:
    method = FakeMethod(grpc.StatusCode.DEADLINE_EXCEEDED)
    assert await fail(guarded(method), 0.1) == [DeadlineExceededError] * 2 + [UnavailableError] * 3
    assert method.calls == 2


async def test_a_hurried_client_does_not_close_a_dependency_to_the_others() -> None:
    method = FakeMethod(grpc.StatusCode.DEADLINE_EXCEEDED)
    assert await fail(guarded(method), 0.01) == [DeadlineExceededError] * 5
    assert method.calls == 5


async def test_a_refusal_is_an_answer() -> None:
    method = FakeMethod(grpc.StatusCode.NOT_FOUND)
    assert await fail(guarded(method)) == [NotFoundError] * 5
    assert method.calls == 5


async def test_a_client_that_goes_away_says_nothing_of_the_dependency() -> None:
    method = FakeMethod(delay=10)
    call = guarded(method)
    for _ in range(5):
        task = asyncio.create_task(call("request", 1.0))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert method.calls == 5


@pytest.mark.parametrize(("seconds", "calls"), [(0.06, 2), (0.01, 4)])
async def test_a_call_canceled_after_its_deadline_was_late_if_its_time_was_fair(seconds: float, calls: int) -> None:
    method = FakeMethod(delay=10)
    call = guarded(method)
    for _ in range(4):
        with contextlib.suppress(TimeoutError, UnavailableError):
            async with asyncio.timeout(seconds + 0.01):
                await call("request", seconds)
    assert method.calls == calls


async def test_canceled_status_says_nothing_about_the_dependency() -> None:
    method = FakeMethod(grpc.StatusCode.CANCELLED)
    assert await fail(guarded(method)) == [CancelledError] * 5
    assert method.calls == 5


async def test_a_call_that_has_no_time_left_is_not_made() -> None:
    method = FakeMethod()
    assert await fail(guarded(method), 0.0, times=1) == [DeadlineExceededError]
    assert method.calls == 0
