from typing import IO

from rich.console import Console


def shop_console(*, stderr: bool = False, file: IO[str] | None = None, width: int | None = None) -> Console:
    """A console that prints what it is given: titles and ids of a shop may hold `[brackets]`, which are no mark-up."""
    return Console(stderr=stderr, file=file, width=width, markup=False, highlight=False, emoji=False)
