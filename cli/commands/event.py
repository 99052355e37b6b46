import asyncio
from typing import Annotated

import typer
from google.protobuf import json_format

from cli.context import AnonymousOption, CommandContext, UserOption, command_context, visitor_of
from cli.errors import CommandError, ExitCode
from vitrine.events.v1 import event_pb2, event_service_pb2
from vitrine.homepage.v1 import homepage_service_pb2, homepage_service_pb2_grpc

TIMEOUT_SECONDS = 10.0


def event(
    context: typer.Context,
    type_name: Annotated[str, typer.Argument(metavar="TYPE", help="view, click, add_to_cart, purchase, …")],
    user: UserOption = "",
    anonymous: AnonymousOption = "",
    item: Annotated[str, typer.Option(help="Id of the item.")] = "",
    search: Annotated[str, typer.Option(help="Search text (TYPE search).")] = "",
    event_id: Annotated[str, typer.Option(help="Id of the event; sent twice, it counts once.")] = "",
    quantity: Annotated[float | None, typer.Option(help="Quantity.")] = None,
    price: Annotated[float | None, typer.Option(help="Unit price.")] = None,
    token: Annotated[str, typer.Option(help="The tracking token of the card that led here.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="The result as JSON.")] = False,
) -> None:
    """Send one event of a visitor through the gateway."""
    command = command_context(context)
    happened = event_pb2.Event(
        event_id=event_id,
        visitor=visitor_of(user, anonymous),
        type=_type_of(type_name),
        quantity=quantity,
        unit_price=price,
        search_text=search,
        tracking_token=token,
    )
    if item:
        happened.item_id = item
    result = asyncio.run(_send(command, happened))
    if as_json:
        command.console.print_json(json_format.MessageToJson(result, preserving_proto_field_name=True))
    status = event_service_pb2.EventStatus.Name(result.status).removeprefix("EVENT_STATUS_")
    if result.status == event_service_pb2.EVENT_STATUS_REJECTED:
        raise CommandError(f"{result.field}: {result.description} [{result.reason}]", ExitCode.USAGE)
    if not as_json:
        command.console.print(f"{status.lower()}  {result.event_id}")


def _type_of(name: str) -> event_pb2.EventType.ValueType:
    known = event_pb2.EventType.DESCRIPTOR.values_by_name
    full = f"EVENT_TYPE_{name.upper()}"
    if full not in known or not known[full].number:
        words = ", ".join(value.removeprefix("EVENT_TYPE_").lower() for value in known if known[value].number)
        raise CommandError(f"{name!r} isn't an event type; choose one of {words}", ExitCode.USAGE)
    return event_pb2.EventType.Value(full)


async def _send(command: CommandContext, happened: event_pb2.Event) -> event_service_pb2.EventResult:
    async with command.shop.channel("homepage") as channel:
        stub = homepage_service_pb2_grpc.HomepageServiceStub(channel)
        request = homepage_service_pb2.IngestEventsRequest(events=[happened])
        response = await stub.IngestEvents(request, timeout=TIMEOUT_SECONDS)
        return response.results[0]
