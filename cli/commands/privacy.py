import asyncio
import json
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from google.protobuf import json_format
from rich.table import Table

from cli.context import AnonymousOption, CommandContext, UserOption, command_context, visitor_of
from cli.errors import CommandError, ExitCode
from cli.privacy.export import exported_lines, visitors_of
from services.common.visitors import visitor_key
from vitrine.common.v1.visitor_pb2 import Visitor
from vitrine.features.v1.user_service_pb2 import DeleteUserRequest, DeleteUserResponse
from vitrine.features.v1.user_service_pb2_grpc import UserServiceStub

TIMEOUT_SECONDS = 60.0

JsonOption = Annotated[bool, typer.Option("--json", help="The result as one JSON object.")]

app = typer.Typer(
    help="Export or erase all data about a visitor, and search for what is left.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("export")
def export(
    context: typer.Context,
    user: UserOption = "",
    anonymous: AnonymousOption = "",
    output: Annotated[Path | None, typer.Option(help="File to write; standard output by default.")] = None,
) -> None:
    """Write all data about a visitor as JSON Lines."""
    command = command_context(context)
    count = asyncio.run(_export(command, visitor_of(user, anonymous), output))
    command.messages.print(f"{count:,} lines")


@app.command("delete")
def delete(
    context: typer.Context,
    user: UserOption = "",
    anonymous: AnonymousOption = "",
    request_id: Annotated[
        str, typer.Option(help="Names this erasure. The same id resumes one that didn't finish.")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Erase a visitor, and everyone merged into the same user, from every store and the training set; print the
    receipt.
    """
    from cli.privacy.imports import clean_imports

    command = command_context(context)
    request = DeleteUserRequest(visitor=visitor_of(user, anonymous), request_id=request_id or uuid.uuid4().hex)
    receipt = asyncio.run(_delete(command, request))
    removed, in_use = clean_imports(command.state_directory / "imports", _ids(request.visitor))
    for path in removed:
        command.messages.print(f"removed {path}, which an import left behind")
    if as_json:
        command.console.print_json(json_format.MessageToJson(receipt, preserving_proto_field_name=True))
    else:
        command.console.print(
            f"erased: {receipt.deleted_event_count:,} events, {receipt.deleted_page_count:,} pages, "
            f"{receipt.deleted_quarantine_count:,} rejected events, {receipt.deleted_row_count:,} rows of the feature "
            "store"
        )
        command.console.print(f"receipt {receipt.receipt_id}, {receipt.delete_time.ToJsonString()}")
    _check_unused(in_use, request.request_id)


@app.command("verify")
def verify(
    context: typer.Context,
    user: UserOption = "",
    anonymous: AnonymousOption = "",
    as_json: JsonOption = False,
) -> None:
    """Search every store and file of the shop for a visitor. Ends with 1 if anything is found."""
    from cli.privacy.verification import traces_of

    command = command_context(context)
    traces = [
        trace
        for visitor in _ids(visitor_of(user, anonymous))
        for trace in traces_of(
            visitor, command.state_directory, lambda place: command.messages.print(f"searching {place}")
        )
    ]
    if as_json:
        found = [{"place": trace.place, "count": trace.count} for trace in traces]
        command.console.print_json(json.dumps({"found": found}))
    elif traces:
        table = Table("place", "count", box=None, pad_edge=False)
        for trace in traces:
            table.add_row(trace.place, f"{trace.count:,}")
        command.console.print(table)
    else:
        command.console.print("nothing found")
    if traces:
        raise typer.Exit(ExitCode.FAILED)


def _check_unused(copies: Sequence[Path], request_id: str) -> None:
    """Raises CommandError if an import is running: it may bring the visitor back."""
    if copies:
        raise CommandError(
            f"an import is using {', '.join(map(str, copies))}: when it has ended, run this again with "
            f"--request-id {request_id}",
            ExitCode.FAILED,
        )


def _ids(visitor: Visitor) -> list[Visitor]:
    """Returns a visitor for each id."""
    ids = [Visitor(user_id=visitor.user_id)] if visitor.user_id else []
    return [*ids, Visitor(anonymous_id=visitor.anonymous_id)] if visitor.anonymous_id else ids


async def _export(command: CommandContext, visitor: Visitor, output: Path | None) -> int:
    count = 0
    file = sys.stdout.buffer if output is None else output.open("wb")
    try:
        async for lines in exported_lines(command.shop, visitor):
            file.write(lines)
            count += lines.count(b"\n")
        file.flush()
    finally:
        if output is not None:
            file.close()
    return count


async def _delete(command: CommandContext, request: DeleteUserRequest) -> DeleteUserResponse:
    from services.ranker.training.examples.training_set import stored_training_set

    visitors = await visitors_of(command.shop, request.visitor)  # nobody knows them afterwards
    async with command.shop.channel("features") as channel:
        receipt: DeleteUserResponse = await UserServiceStub(channel).DeleteUser(request, timeout=TIMEOUT_SECONDS)
    if examples := stored_training_set(command.state_directory):
        count = examples.forget([visitor_key(visitor) for visitor in visitors])
        command.messages.print(f"{count:,} examples of the training set erased")
    return receipt
