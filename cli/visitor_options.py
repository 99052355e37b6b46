from typing import Annotated

import typer

from cli.errors import CommandError
from cli.exit_codes import ExitCode
from vitrine.common.v1 import visitor_pb2

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
