import asyncio
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli.context import command_context
from cli.errors import CommandError
from cli.exit_codes import ExitCode
from cli.rendering.progress import terminal_progress


class BenchShop(StrEnum):
    """A shop whose data can be installed."""

    DEMO = "demo"


def candidates(
    context: typer.Context,
    folder: Annotated[
        Path | None, typer.Argument(exists=True, file_okay=False, help="Sequences: a line a user, its items in order.")
    ] = None,
    shop: Annotated[BenchShop | None, typer.Option(help="Next baskets of the demo's grocer instead.")] = None,
    validation: Annotated[
        bool, typer.Option("--validation", help="Ask for the last item but one: to choose settings by.")
    ] = False,
) -> None:
    """Measure how well candidates are found, with the settings that serve (VITRINE_CANDIDATES_…)."""
    from cli.benchmarks.candidate_baskets import bench_baskets
    from cli.benchmarks.candidate_sequences import bench_sequences, read_sequences
    from cli.benchmarks.complete_journey import read_next_baskets
    from cli.figures import Figures
    from cli.rendering.source_scores import render_source_scores
    from services.candidates.settings import CandidatesSettings

    command = command_context(context)
    if (folder is None) == (shop is None):
        raise CommandError("name either a folder of sequences or --shop demo", ExitCode.USAGE)
    settings = CandidatesSettings()
    with terminal_progress(command.messages) as progress:
        if folder is not None:
            scores = asyncio.run(bench_sequences(read_sequences(folder), settings, progress, validation=validation))
        else:
            baskets = asyncio.run(bench_baskets(read_next_baskets(), settings, progress))
    if folder is not None:
        kind = ".validation" if validation else ""
        name = f"candidates.{folder.resolve().name}{kind}"
        figures = Figures(f"candidates.{folder.resolve().name}")
        figures.say(f"{name}.ndcg10", scores.ndcg, "")
        figures.say(f"{name}.recall10", scores.recall, "")
        figures.say(f"{name}.recall300", scores.recall_at_300, "")
        for source_name, (share, unique_share) in scores.shares.items():
            figures.say(f"{name}.{source_name}.share", share, "")
            figures.say(f"{name}.{source_name}.unique_share", unique_share, "")
        return
    figures = Figures("candidates.demo")
    figures.say("candidates.demo.recall300", baskets.recall_at_300, "")
    for name, source in baskets.sources.items():
        figures.say(f"candidates.demo.{name}.ndcg10", source.ndcg, "")
        figures.say(f"candidates.demo.{name}.recall10", source.recall, "")
        figures.say(f"candidates.demo.{name}.new_ndcg10", source.new_ndcg, "")
        figures.say(f"candidates.demo.{name}.new_recall10", source.new_recall, "")
        figures.say(f"candidates.demo.{name}.share", source.share, "")
        figures.say(f"candidates.demo.{name}.unique_share", source.unique_share, "")
    command.messages.print(render_source_scores(baskets))
