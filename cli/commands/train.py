import asyncio
import os
from pathlib import Path
from typing import Annotated

import typer

from cli.context import command_context
from cli.errors import ExitCode
from cli.rendering.progress import terminal_progress


def train(
    context: typer.Context,
    model: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Size and shape of the behavior model, a JSON object."),
    ] = None,
    plan: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="How it's trained, a JSON object; --model overrides its `model`."
        ),
    ] = None,
    canary: Annotated[
        bool, typer.Option("--canary", help="Publish as canary only; promote it later with `vitrine models promote`.")
    ] = False,
    cold: Annotated[
        bool, typer.Option("--cold", help="Train from scratch instead of from the weights of the version that serves.")
    ] = False,
    tensorboard: Annotated[
        Path | None, typer.Option(file_okay=False, help="Folder for TensorBoard logs (`tensorboard --logdir`).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The report as one JSON object.")] = False,
) -> None:
    """Build from the event log what pages need: candidate tables and linear scorer, then the behavior model."""
    from cli.model_file import read_plan
    from cli.rendering.training import render_training
    from cli.training import train_shop
    from services.ranker.training.plan import RunOptions
    from services.ranker.training.workers.cluster import Cluster

    command = command_context(context)
    chosen = read_plan(model, plan)
    cluster = Cluster.of_environment(os.environ) if chosen.strategy != "none" else None
    if cluster and not cluster.is_chief:
        from services.ranker.training.workers.run_worker import run_worker

        with terminal_progress(command.messages) as progress:
            run_worker(command.shop.state_directory, chosen, cluster, progress)
        return
    options = RunOptions(cold=cold, cluster=cluster, tensorboard=tensorboard)
    with terminal_progress(command.messages) as progress:
        trained = asyncio.run(train_shop(command.shop, progress, chosen, promote=not canary, options=options))
    if as_json:
        command.console.print_json(trained.to_json())
    else:
        command.console.print(render_training(trained))
    if trained.report.failed_checks:
        raise typer.Exit(ExitCode.FAILED)
