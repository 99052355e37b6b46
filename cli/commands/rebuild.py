import asyncio
from typing import Annotated

import typer

from cli.context import CommandContext, command_context
from cli.rendering.progress import terminal_progress
from vitrine.features.v1.feature_service_pb2 import RebuildFeaturesRequest
from vitrine.features.v1.feature_service_pb2_grpc import FeatureServiceStub


def rebuild(
    context: typer.Context,
    from_kept: Annotated[
        bool, typer.Option("--from-kept", help="Rebuild from what retention has kept, if it dropped some of the log.")
    ] = False,
) -> None:
    """Rebuild all user and item features from the event log. The current ones are served until then."""
    command = command_context(context)
    count = asyncio.run(_rebuild(command, RebuildFeaturesRequest(from_kept=from_kept)))
    command.console.print(f"features rebuilt from {count:,} events")


async def _rebuild(command: CommandContext, request: RebuildFeaturesRequest) -> int:
    read, task = 0, None
    async with command.shop.channel("features") as channel:
        with terminal_progress(command.messages) as progress:
            async for answer in FeatureServiceStub(channel).RebuildFeatures(request):
                task = task or progress.task("rebuilding features", answer.all_event_count)
                task.advance(answer.read_event_count - read)
                read = answer.read_event_count
    return read
