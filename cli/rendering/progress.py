from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, ProgressColumn, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.progress import Task as Bar
from rich.text import Text


class CountColumn(ProgressColumn):
    """How many are done, of how many, and how many a second."""

    def render(self, task: Bar) -> Text:
        """The column's text for one bar."""
        done = f"{task.completed:,.0f}"
        count = done if task.total is None else f"{done}/{task.total:,.0f}"
        seconds = task.finished_time or task.elapsed or 0.0
        rate = f" {task.completed / seconds:,.0f}/s" if seconds > 0.1 and task.completed > 1 else ""
        return Text(count + rate, style="dim")


class TerminalTask:
    """One bar, from entering to leaving it."""

    def __init__(self, bars: Bars, bar: TaskID) -> None:
        self._bars = bars
        self._bar = bar

    def advance(self, count: int = 1) -> None:
        """Count `count` more done."""
        self._bars.advance(self._bar, count)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None and self._bars.tasks[self._bar].total is None:
            self._bars.update(self._bar, total=self._bars.tasks[self._bar].completed)
        self._bars.stop_task(self._bar)


class TerminalProgress:
    """Bars, one below the other."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars

    def task(self, name: str, total: int | None = None) -> TerminalTask:
        """A new bar."""
        return TerminalTask(self._bars, self._bars.add_task(name, total=total))


@contextmanager
def terminal_progress(console: Console) -> Iterator[TerminalProgress]:
    """Bars on a console while the block runs. Where the console is no terminal, each bar is printed once, when all is
    done.
    """
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description:<24}"),
        BarColumn(bar_width=16),
        CountColumn(),
        TimeElapsedColumn(),
    )
    with Bars(*columns, console=console) as bars:
        yield TerminalProgress(bars)
