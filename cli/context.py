import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import typer
from rich.console import Console

from cli.rendering.console import shop_console
from cli.shop import Shop


@dataclass(frozen=True, slots=True)
class CommandContext:
    """What every command works with.

    Args:
        state_directory: the shop's folder.
        environment: the variables that services and commands share.
        console: where results go.
        messages: where everything goes that is no result, so that `--json` can be piped.
    """

    state_directory: Path
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    console: Console = field(default_factory=shop_console)
    messages: Console = field(default_factory=lambda: shop_console(stderr=True))

    @property
    def shop(self) -> Shop:
        """The shop that the command speaks to."""
        return Shop(self.state_directory, self.environment)


def command_context(context: typer.Context) -> CommandContext:
    """The context that `vitrine` itself made before the command ran."""
    made = context.obj
    if not isinstance(made, CommandContext):
        raise TypeError("commands run below `vitrine`")
    return made
