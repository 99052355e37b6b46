from services.ranker.training.fitting.trainer import FitProgress


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_without_a_time_the_steps_count() -> None:
    progress = FitProgress(8)
    assert [progress.after(steps) for steps in (0, 2, 8, 9)] == [0.0, 0.25, 1.0, 1.0]


def test_the_nearer_of_steps_and_time_counts_from_the_first_step_on() -> None:
    clock = Clock()
    progress = FitProgress(100, ends=150.0, clock=clock)
    clock.now = 110.0  # compiling
    assert progress.after(0) == 0.0
    assert progress.after(1) == 0.01
    clock.now = 130.0
    assert progress.after(2) == 0.5
    assert progress.after(80) == 0.8
    clock.now = 151.0
    assert progress.after(3) == 1.0


def test_a_fit_whose_time_is_up_before_it_began_is_over_after_a_step() -> None:
    progress = FitProgress(100, ends=90.0, clock=Clock())
    assert (progress.after(0), progress.after(1)) == (0.0, 1.0)
