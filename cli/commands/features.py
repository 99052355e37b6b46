import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Final

import typer
from google.protobuf.json_format import MessageToDict
from rich.table import Table

from cli.context import AnonymousOption, UserOption, command_context, visitor_of
from cli.errors import ExitCode
from cli.served_pages import compare_pages
from cli.shop import Shop
from services.common.timestamps import from_timestamp
from vitrine.features.v1 import feature_service_pb2 as pb
from vitrine.features.v1.feature_service_pb2_grpc import FeatureServiceStub

TIMEOUT_SECONDS: Final = 30.0

app = typer.Typer(
    help="Verify the features of users, and list what couldn't be applied.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback()
def features() -> None:
    """Verify the features of users, and list what couldn't be applied."""


@app.command("verify")
def verify(
    context: typer.Context,
    user: UserOption = "",
    anonymous: AnonymousOption = "",
    pages: Annotated[int, typer.Option(min=1, help="Most pages to compare, newest first.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for scripts.")] = False,
) -> None:
    """Recompute the features behind served pages from the log, and compare. Ends with 1 if any differ.

    Without a visitor, it compares pages of recently active visitors.
    """
    command = command_context(context)
    visitor = visitor_of(user, anonymous) if user or anonymous else None
    compared = asyncio.run(compare_pages(command.shop, visitor, pages))
    differing = [page for page in compared if page.differing]
    if as_json:
        command.console.print_json(json.dumps({"pages": [asdict(page) for page in compared]}))
    else:
        moved = sum(bool(page.changed_with_catalog) for page in compared)
        told = f"; of {moved:,} the catalog has changed since" if moved else ""
        command.console.print(f"{len(compared):,} pages compared, {len(differing):,} differ{told}")
        if differing:
            table = Table("page", "what differs", box=None, pad_edge=False)
            for page in differing:
                table.add_row(page.page_id, ", ".join(page.differing))
            command.console.print(table)
    if differing:
        raise typer.Exit(ExitCode.FAILED)


@app.command("parked")
def parked(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="Most entries of each list.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for scripts.")] = False,
) -> None:
    """List events that could not be applied, and users who did more than the feature store keeps of one user."""
    command = command_context(context)
    events, users = asyncio.run(_parked(command.shop, limit))
    if as_json:
        fields = {
            "events": [MessageToDict(event, preserving_proto_field_name=True) for event in events],
            "users": [MessageToDict(user, preserving_proto_field_name=True) for user in users],
        }
        command.console.print_json(json.dumps(fields))
        return
    table = Table("parked", "event", "partition", "offset", "visitor", "reason", box=None, pad_edge=False)
    for event in events:
        parked_at = from_timestamp(event.park_time).isoformat(" ", "seconds")
        place = event.place
        visitor = event.visitor.user_id or event.visitor.anonymous_id
        table.add_row(parked_at, event.event_id, str(place.partition), str(place.offset), visitor, event.reason)
    command.console.print(table if events else "no event is parked")
    if users:
        capped = Table("visitor", "uncounted events", box=None, pad_edge=False)
        for user in users:
            capped.add_row(user.visitor.user_id or user.visitor.anonymous_id, f"{user.uncounted_event_count:,}")
        command.console.print(capped)


async def _parked(shop: Shop, limit: int) -> tuple[Sequence[pb.ParkedEvent], Sequence[pb.CappedUser]]:
    async with shop.channel("features") as channel:
        stub = FeatureServiceStub(channel)
        events = await stub.ListParkedEvents(pb.ListParkedEventsRequest(page_size=limit), timeout=TIMEOUT_SECONDS)
        users = await stub.ListCappedUsers(pb.ListCappedUsersRequest(limit=limit), timeout=TIMEOUT_SECONDS)
    return events.events, users.users
