import asyncio
import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from cli.context import command_context
from cli.rendering.progress import terminal_progress


def evaluate(
    context: typer.Context,
    events: Annotated[
        Path,
        typer.Option(exists=True, dir_okay=False, help="Purchases that the shop was not told: Parquet or CSV."),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for scripts.")] = False,
) -> None:
    """Compare the feed that the shop serves with popularity and personal frequency, on each user's next basket."""
    from cli.evaluation.evaluation import evaluate_shop
    from cli.evaluation.held_out import read_held_out
    from cli.rendering.scores import render_scores

    command = command_context(context)
    held_out = read_held_out(events)
    with terminal_progress(command.messages) as progress:
        scores = asyncio.run(evaluate_shop(command.shop, held_out, progress))
    if as_json:
        rows = {name: asdict(score) for name, score in scores.items()}
        command.console.print_json(json.dumps({"users": len(held_out.baskets), "rankings": rows}))
    else:
        command.console.print(render_scores(scores, users=len(held_out.baskets)))
