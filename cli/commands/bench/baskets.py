import asyncio
from typing import Annotated

import typer

from cli.context import command_context
from cli.rendering.progress import terminal_progress


def baskets(
    context: typer.Context,
    seeds: Annotated[int, typer.Option(min=1, help="Trainings, each from its own seed; figures are their means.")] = 3,
    epochs: Annotated[int | None, typer.Option(min=1, help="Most epochs of the training; default: the plan's.")] = None,
) -> None:
    """Measure candidates and ranker together on next baskets of the demo's grocer, all households, all items."""
    import dataclasses
    from statistics import fmean, stdev

    from cli.benchmarks.complete_journey import read_next_baskets
    from cli.figures import Figures
    from services.candidates.settings import CandidatesSettings
    from services.ranker.quiet_tensorflow import load_tensorflow_quietly
    from services.ranker.training.plan import TrainingPlan

    command = command_context(context)
    data = read_next_baskets()
    load_tensorflow_quietly()
    from cli.benchmarks.baskets import bench_baskets

    plan = TrainingPlan()
    if epochs is not None:
        plan = dataclasses.replace(plan, epochs=epochs)
    with terminal_progress(command.messages) as progress:
        ranking = asyncio.run(bench_baskets(data, CandidatesSettings(), plan, progress, seeds))
    figures = Figures("baskets")
    figures.say("baskets.candidates.recall300", ranking.candidate_recall, "")
    for name, scores in sorted(ranking.rankings.items(), key=lambda pair: pair[0] == "model"):
        begin = "baskets" if name == "model" else f"baskets.{name}"
        for metric, values in (
            ("ndcg10", [one.ndcg for one in scores]),
            ("recall10", [one.recall for one in scores]),
        ):
            if len(values) > 1:
                for seed, value in enumerate(values, 1):
                    figures.say(f"{begin}.seed{seed}.{metric}", value, "")
                figures.say(f"{begin}.{metric}_deviation", stdev(values), "")
            figures.say(f"{begin}.{metric}", fmean(values), "")
