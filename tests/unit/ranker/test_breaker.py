from services.ranker.breaker import Breaker


class FakeMonotonic:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def test_it_opens_after_failures_in_a_row_and_lets_one_trial_through_later() -> None:
    clock = FakeMonotonic()
    breaker = Breaker(2, 5.0, clock)
    breaker.failed()
    breaker.succeeded()
    breaker.failed()
    assert breaker.allows()
    breaker.failed()
    assert not breaker.closed
    assert not breaker.allows()
    clock.seconds += 5
    assert [breaker.allows() for _ in range(3)] == [True, False, False]


def test_the_trial_decides() -> None:
    clock = FakeMonotonic()
    breaker = Breaker(1, 5.0, clock)
    breaker.failed()
    clock.seconds += 5
    assert breaker.allows()
    breaker.failed()
    assert not breaker.allows()
    clock.seconds += 5
    assert breaker.allows()
    breaker.succeeded()
    assert breaker.closed
    assert all(breaker.allows() for _ in range(3))


def test_a_trial_that_is_never_told_of_does_not_shut_the_breaker_for_good() -> None:
    clock = FakeMonotonic()
    breaker = Breaker(1, 5.0, clock)
    breaker.failed()
    clock.seconds += 5
    assert breaker.allows()
    clock.seconds += 5
    assert breaker.allows()


def test_it_is_open_no_longer_when_a_trial_is_welcome_even_if_nobody_tries() -> None:
    clock = FakeMonotonic()
    breaker = Breaker(1, 5.0, clock)
    seen = [(breaker.open, breaker.closed)]
    breaker.failed()
    seen.append((breaker.open, breaker.closed))
    clock.seconds += 5
    seen.append((breaker.open, breaker.closed))
    assert seen == [(False, True), (True, False), (False, False)]
