import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cli.errors import CommandError, ExitCode
from cli.rendering.console import shop_console
from cli.shop import Shop
from vitrine.common.v1 import visitor_pb2


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


UserOption = Annotated[str, typer.Option("--user", help="A signed-in user's id.")]
AnonymousOption = Annotated[str, typer.Option("--anonymous", help="An anonymous visitor's id.")]


def visitor_of(user: str, anonymous: str) -> visitor_pb2.Visitor:
    """The visitor that `--user` and `--anonymous` name.

    Raises:
        CommandError: neither was given.
    """
    if not user and not anonymous:
        raise CommandError("name the visitor: --user ID or --anonymous ID", ExitCode.USAGE)
    return visitor_pb2.Visitor(user_id=user, anonymous_id=anonymous)
