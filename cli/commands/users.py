import asyncio
from typing import Annotated, Final

import typer

from cli.context import CommandContext, command_context
from vitrine.features.v1.user_service_pb2 import MergeUsersRequest, UnmergeUsersRequest
from vitrine.features.v1.user_service_pb2_grpc import UserServiceStub

TIMEOUT_SECONDS: Final = 30.0

AnonymousArgument = Annotated[str, typer.Argument(metavar="ANONYMOUS", help="The visitor's id before signing in.")]
UserArgument = Annotated[str, typer.Argument(metavar="USER", help="The user's id.")]

app = typer.Typer(help="Merge an anonymous visitor into a user, or undo that within 24 hours.")


@app.command("merge")
def merge(context: typer.Context, anonymous: AnonymousArgument, user: UserArgument) -> None:
    """Merge an anonymous visitor into a user: they share one history from now on."""
    command = command_context(context)
    known = asyncio.run(_merge(command, MergeUsersRequest(anonymous_id=anonymous, user_id=user)))
    command.console.print("already merged; nothing changed" if known else "merged")


@app.command("unmerge")
def unmerge(context: typer.Context, anonymous: AnonymousArgument, user: UserArgument) -> None:
    """Undo a merge of the last 24 hours."""
    command = command_context(context)
    asyncio.run(_unmerge(command, UnmergeUsersRequest(anonymous_id=anonymous, user_id=user)))
    command.console.print("no longer merged; each has the history of its own id again")


async def _merge(command: CommandContext, request: MergeUsersRequest) -> bool:
    async with command.shop.channel("features") as channel:
        return (await UserServiceStub(channel).MergeUsers(request, timeout=TIMEOUT_SECONDS)).already_merged


async def _unmerge(command: CommandContext, request: UnmergeUsersRequest) -> None:
    async with command.shop.channel("features") as channel:
        await UserServiceStub(channel).UnmergeUsers(request, timeout=TIMEOUT_SECONDS)
