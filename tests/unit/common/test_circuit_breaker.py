import asyncio
import contextlib

import pytest

from services.common.circuit_breaker import CircuitBreaker
from services.common.deadlines import answer_due


class FakeMonotonic:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def test_it_opens_after_failures_in_a_row_and_lets_one_trial_through_later() -> None:
    clock = FakeMonotonic()
    breaker = CircuitBreaker(clock, threshold=2, cooldown=5.0, longest_cooldown=5.0)
    breaker.failed()
    breaker.succeeded()
    breaker.failed()
    assert breaker.allow()
    breaker.failed()
    assert not breaker.closed
    assert not breaker.allow()
    clock.seconds += 5
    assert [breaker.allow() for _ in range(3)] == [True, False, False]


def test_the_trial_decides() -> None:
    clock = FakeMonotonic()
    breaker = CircuitBreaker(clock, threshold=1, cooldown=5.0, longest_cooldown=5.0)
    breaker.failed()
    clock.seconds += 5
    assert breaker.allow()
    breaker.failed()
    assert not breaker.allow()
    clock.seconds += 5
    assert breaker.allow()
    breaker.succeeded()
    assert breaker.closed
    assert all(breaker.allow() for _ in range(3))


def test_a_trial_that_is_never_told_of_does_not_shut_the_breaker_for_good() -> None:
    clock = FakeMonotonic()
    breaker = CircuitBreaker(clock, threshold=1, cooldown=5.0, longest_cooldown=5.0)
    breaker.failed()
    clock.seconds += 5
    assert breaker.allow()
    clock.seconds += 5
    assert breaker.allow()


def test_it_is_open_no_longer_when_a_trial_is_welcome_even_if_nobody_tries() -> None:
    clock = FakeMonotonic()
    breaker = CircuitBreaker(clock, threshold=1, cooldown=5.0, longest_cooldown=5.0)
    seen = [(breaker.open, breaker.closed)]
    breaker.failed()
    seen.append((breaker.open, breaker.closed))
    clock.seconds += 5
    seen.append((breaker.open, breaker.closed))
    assert seen == [(False, True), (True, False), (False, False)]


def test_each_failed_trial_doubles_the_wait_up_to_the_longest() -> None:
    clock = FakeMonotonic()
    breaker = CircuitBreaker(clock, threshold=1, cooldown=1.0, longest_cooldown=3.0)
    breaker.failed()
    for wait in (1.0, 2.0, 3.0, 3.0):
        clock.seconds += wait - 0.1
        assert not breaker.allow()
        clock.seconds += 0.1
        assert breaker.allow()
        breaker.failed()


async def hang(breaker: CircuitBreaker) -> None:
    with breaker.recording():
        await asyncio.Event().wait()


async def cancel_three(breaker: CircuitBreaker, *, due_in: float | None) -> None:
    """Cancels three calls in a row, each due in so many seconds."""
    answer_due.set(None if due_in is None else asyncio.get_running_loop().time() + due_in)
    for _ in range(3):
        task = asyncio.create_task(hang(breaker))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("due_in", [10.0, None])
async def test_clients_that_go_away_do_not_open_the_breaker(due_in: float | None) -> None:
    breaker = CircuitBreaker(FakeMonotonic())
    await cancel_three(breaker, due_in=due_in)
    assert breaker.closed


async def test_overdue_calls_that_are_canceled_open_the_breaker() -> None:
    breaker = CircuitBreaker(FakeMonotonic())
    await cancel_three(breaker, due_in=0.0)
    assert breaker.open


def test_recording_counts_errors_and_forgets_them_after_a_response() -> None:
    breaker = CircuitBreaker(FakeMonotonic(), threshold=2)
    for fails in (True, False, True):
        with contextlib.suppress(ConnectionError), breaker.recording():
            if fails:
                raise ConnectionError
    assert breaker.closed
    with pytest.raises(ConnectionError), breaker.recording():
        raise ConnectionError
    assert breaker.open
