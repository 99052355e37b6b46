from services.common.circuit_breaker import CircuitBreaker


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
