import io
import time

from rich.console import Console

from cli.rendering.console import shop_console
from cli.rendering.progress import PlainProgress, TerminalProgress, terminal_progress


def lines_of(console: Console) -> list[str]:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def plain_console() -> Console:
    return shop_console(file=io.StringIO(), width=40)


def test_without_a_terminal_a_task_has_a_line_when_it_begins_and_one_when_it_ends() -> None:
    console = plain_console()
    with terminal_progress(console) as progress:
        with progress.task("reading events", 2_000) as task:
            assert lines_of(console) == ["reading events …"]
            task.advance(1_500)
        with progress.task("a task with a name that is longer than the line of the console"):
            pass
    printed = lines_of(console)
    assert printed[1].startswith("reading events: done, 1,500 of 2,000 in ")
    assert len(printed) == 4, "a long line is not folded"


def test_a_long_task_says_how_far_it_is_though_nothing_advances() -> None:
    console = plain_console()
    with PlainProgress(console, line_seconds=0.02) as progress, progress.task("making examples", 7) as task:
        task.advance(3)
        give_up = time.monotonic() + 10
        while len(lines_of(console)) < 3 and time.monotonic() < give_up:
            time.sleep(0.005)
    assert all(line.startswith("making examples: 3 of 7 after ") for line in lines_of(console)[1:3])


def test_a_task_that_fails_says_that_it_stopped() -> None:
    console = plain_console()
    try:
        with terminal_progress(console) as progress, progress.task("importing", 5):
            raise ValueError
    except ValueError:
        pass
    assert lines_of(console)[-1].startswith("importing: stopped, 0 of 5 in ")


def test_a_terminal_has_bars() -> None:
    console = Console(file=io.StringIO(), force_terminal=True)
    with terminal_progress(console) as progress:
        assert isinstance(progress, TerminalProgress)
