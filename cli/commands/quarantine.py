import asyncio
import json
from typing import Annotated, Final

import typer
from google.protobuf import json_format
from rich.table import Table

from cli.context import CommandContext, command_context
from services.common.timestamps import from_timestamp
from vitrine.events.v1 import event_service_pb2 as pb
from vitrine.events.v1.event_service_pb2_grpc import EventServiceStub

PAGE: Final = 500
TIMEOUT_SECONDS: Final = 30.0

ReasonOption = Annotated[str, typer.Option("--reason", help="Only events rejected for it, such as UNKNOWN_CURRENCY.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object for scripts.")]

app = typer.Typer(help="List rejected events, and replay them once they're valid.")


@app.command("list")
def list_(
    context: typer.Context,
    reason: ReasonOption = "",
    limit: Annotated[int, typer.Option(min=1, help="Most events to list, oldest first.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """List rejected events: when they arrived, why they were rejected, and how to fix that."""
    command = command_context(context)
    events = asyncio.run(_list(command, reason, limit))
    if as_json:
        fields = [json_format.MessageToDict(event, preserving_proto_field_name=True) for event in events]
        command.console.print_json(json.dumps({"events": fields}))
        return
    table = Table("arrived", "reason", "event", "what is wrong", box=None, pad_edge=False)
    for event in events:
        arrived = from_timestamp(event.ingest_time).isoformat(" ", "seconds")
        table.add_row(arrived, event.reason, event.event.event_id, event.description)
    command.console.print(table if events else "the quarantine is empty")


@app.command("replay")
def replay(context: typer.Context, reason: ReasonOption = "", as_json: JsonOption = False) -> None:
    """Add rejected events to the log that are valid by now, once the cause is fixed."""
    command = command_context(context)
    counts = asyncio.run(_replay(command, reason))
    if as_json:
        command.console.print_json(json.dumps(counts))
        return
    command.console.print(
        f"{counts['stored_count']:,} stored, {counts['duplicate_count']:,} already known, "
        f"{counts['not_kept_count']:,} not kept for lack of consent, {counts['rejected_count']:,} still invalid"
    )


async def _list(command: CommandContext, reason: str, limit: int) -> list[pb.QuarantinedEvent]:
    events: list[pb.QuarantinedEvent] = []
    async with command.shop.channel("events") as channel:
        log = EventServiceStub(channel)
        request = pb.ListQuarantinedEventsRequest(reason=reason)
        while len(events) < limit:
            request.page_size = min(PAGE, limit - len(events))
            response = await log.ListQuarantinedEvents(request, timeout=TIMEOUT_SECONDS)
            events += response.events
            request.page_token = response.next_page_token
            if not request.page_token:
                break
    return events


async def _replay(command: CommandContext, reason: str) -> dict[str, int]:
    counts = dict.fromkeys(("stored_count", "duplicate_count", "not_kept_count", "rejected_count"), 0)
    async with command.shop.channel("events") as channel:
        log = EventServiceStub(channel)
        request = pb.ReplayQuarantinedEventsRequest(reason=reason, page_size=PAGE)
        while True:
            response = await log.ReplayQuarantinedEvents(request, timeout=TIMEOUT_SECONDS)
            for name in counts:
                counts[name] += getattr(response, name)
            request.page_token = response.next_page_token
            if not request.page_token:
                return counts
