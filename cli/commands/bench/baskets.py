import asyncio
from typing import Annotated

import typer

from cli.context import command_context
from cli.rendering.progress import terminal_progress


def baskets(
    context: typer.Context,
    epochs: Annotated[int | None, typer.Option(min=1, help="Most epochs of the training; default: the plan's.")] = None,
) -> None:
    """Measure candidates and ranker together on next baskets of the demo's grocer, all households, all items."""
    import dataclasses

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
        ranking = asyncio.run(bench_baskets(data, CandidatesSettings(), plan, progress))
    figures = Figures("baskets")
    figures.say("baskets.candidates.recall300", ranking.candidate_recall, "")
    for name, scores in ranking.rankings.items():
        if name != "model":
            figures.say(f"baskets.{name}.ndcg10", scores.ndcg, "")
            figures.say(f"baskets.{name}.recall10", scores.recall, "")
    figures.say("baskets.ndcg10", ranking.rankings["model"].ndcg, "")
    figures.say("baskets.recall10", ranking.rankings["model"].recall, "")
