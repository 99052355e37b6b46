import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer

from cli.context import command_context
from cli.rendering.progress import terminal_progress


def evaluate(
    context: typer.Context,
    events: Annotated[
        Path,
        typer.Option(exists=True, dir_okay=False, help="Purchases that the shop hasn't seen: Parquet or CSV."),
    ],
    report: Annotated[
        Path | None,
        typer.Option(dir_okay=False, help="Also write an HTML report with charts."),
    ] = None,
    quick: Annotated[
        bool,
        typer.Option("--quick", help="Compare only with popularity and personal frequency; don't read the log."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for scripts.")] = False,
) -> None:
    """Compare the served feed with other rankings on each user's next basket."""
    from cli.evaluation.evaluation import QUICK, EvaluationPlan, evaluate_shop
    from cli.evaluation.held_out import read_held_out
    from cli.evaluation.report.page import write_report
    from cli.rendering.tables import render_probabilities, render_scores

    command = command_context(context)
    held_out = read_held_out(events)
    plan = QUICK if quick else EvaluationPlan()
    with terminal_progress(command.messages) as progress:
        result = asyncio.run(evaluate_shop(command.shop, held_out, progress, plan))
    if report is not None:
        write_report(report, result)
        command.messages.print(f"The report is {report}.")
    if as_json:
        command.console.print_json(json.dumps(result.as_json(), allow_nan=False))
        return
    command.console.print(render_scores(result))
    if result.probabilities is not None:
        command.console.print(render_probabilities(result.probabilities))
