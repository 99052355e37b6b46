"""How far long work is: bars on a terminal, plain lines anywhere else."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, ProgressColumn, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.progress import Task as Bar
from rich.text import Text

from services.common.progress import Progress

LINE_SECONDS = 10.0
"""The longest a task goes without a line where there are no bars."""


@contextmanager
def terminal_progress(console: Console) -> Iterator[Progress]:
    """Shows progress on a console while the block runs. Bars if it's a terminal, else a line when a task begins, when
    it ends and every `LINE_SECONDS` in between.
    """
    if not console.is_terminal:
        lines = PlainProgress(console)
        with lines:
            yield lines
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description:<24}"),
        BarColumn(bar_width=16),
        CountColumn(),
        TimeElapsedColumn(),
    )
    with Bars(*columns, console=console) as bars:
        yield TerminalProgress(bars)


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


class PlainTask:
    """One task as lines, from entering to leaving it."""

    def __init__(self, progress: "PlainProgress", name: str, total: int | None) -> None:
        self._progress = progress
        self._name = name
        self._total = total
        self._done = 0
        self._started = self._said = time.monotonic()

    def advance(self, count: int = 1) -> None:
        """Count `count` more done."""
        self._done += count

    def say_if_due(self, now: float, seconds: float) -> None:
        """Prints how far the task is, unless a line was printed less than `seconds` ago."""
        if now - self._said >= seconds:
            self._said = now
            self._progress.print(f"{self._name}: {self._count()} after {now - self._started:.0f} s")

    def __enter__(self) -> Self:
        self._started = self._said = time.monotonic()
        self._progress.print(f"{self._name} …")
        self._progress.opened(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.closed(self)
        outcome = "done" if error is None else "stopped"
        self._progress.print(f"{self._name}: {outcome}, {self._count()} in {time.monotonic() - self._started:.1f} s")

    def _count(self) -> str:
        return f"{self._done:,}" if self._total is None else f"{self._done:,} of {self._total:,}"


class PlainProgress:
    """Lines for files and pipes.

    Args:
        console: where they go.
        line_seconds: the longest a task goes without one.
    """

    def __init__(self, console: Console, line_seconds: float = LINE_SECONDS) -> None:
        self._console = console
        self._line_seconds = line_seconds
        self._open: list[PlainTask] = []
        self._lock = Lock()
        self._ended = Event()
        # A thread of its own: what is waited for may block the event loop for a long time.
        self._thread = Thread(target=self._keep_saying, name="progress", daemon=True)

    def task(self, name: str, total: int | None = None) -> PlainTask:
        """A new task."""
        return PlainTask(self, name, total)

    def opened(self, task: PlainTask) -> None:
        """Begins to report on a task."""
        with self._lock:
            self._open.append(task)

    def closed(self, task: PlainTask) -> None:
        """Stops reporting on a task."""
        with self._lock:
            self._open.remove(task)

    def print(self, line: str) -> None:
        """Prints a line, however long."""
        self._console.print(line, soft_wrap=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _keep_saying(self) -> None:
        # Looks more often than it speaks, so that no task waits for its line longer than it should.
        while not self._ended.wait(min(0.5, self._line_seconds / 4)):
            now = time.monotonic()
            with self._lock:
                for task in self._open:
                    task.say_if_due(now, self._line_seconds * 0.95)
