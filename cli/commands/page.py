import asyncio
import time
from typing import Annotated

import typer
from google.protobuf import json_format

from cli.context import AnonymousOption, CommandContext, UserOption, command_context, visitor_of
from cli.rendering.page import render_funnel, render_page
from vitrine.homepage.v1 import homepage_service_pb2, homepage_service_pb2_grpc

TIMEOUT_SECONDS = 10.0


def page(
    context: typer.Context,
    user: UserOption = "",
    anonymous: AnonymousOption = "",
    layout: Annotated[str, typer.Option(help="Name of the layout.")] = "",
    locale: Annotated[str, typer.Option(help="Language of the texts, such as en or de-AT.")] = "",
    cards: Annotated[int, typer.Option(help="Cards to print per shelf.", min=1, max=60)] = 4,
    debug: Annotated[bool, typer.Option("--debug", help="Also print what happened to every candidate.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The whole response as JSON.")] = False,
) -> None:
    """Print the homepage of one visitor and its degradation step."""
    command = command_context(context)
    request = homepage_service_pb2.GetHomepageRequest(
        visitor=visitor_of(user, anonymous), layout=layout, locale=locale, debug=debug
    )
    response, milliseconds = asyncio.run(_get(command, request))
    if as_json:
        command.console.print_json(json_format.MessageToJson(response, preserving_proto_field_name=True))
        return
    heading = f"{'user' if user else 'anonymous visitor'} {user or anonymous}"
    command.console.print(
        render_page(response.page, heading=heading, cards=cards, milliseconds=milliseconds, locale=locale)
    )
    if debug:
        command.console.print(render_funnel(response.page.funnel))


async def _get(
    command: CommandContext, request: homepage_service_pb2.GetHomepageRequest
) -> tuple[homepage_service_pb2.GetHomepageResponse, float]:
    async with command.shop.channel("homepage") as channel:
        stub = homepage_service_pb2_grpc.HomepageServiceStub(channel)
        begin = time.perf_counter()
        response = await stub.GetHomepage(request, timeout=TIMEOUT_SECONDS)
        return response, (time.perf_counter() - begin) * 1000
