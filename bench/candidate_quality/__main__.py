"""How well candidates are found, with the settings that serve (VITRINE_CANDIDATES_…).

Run with `make bench-candidate-quality FOLDER=…` on a folder of sequences, or without FOLDER on next baskets of the
demo's grocer.
"""

import argparse
import asyncio
from pathlib import Path

from bench.candidate_quality.baskets import bench_baskets
from bench.candidate_quality.complete_journey import read_next_baskets
from bench.candidate_quality.sequences import bench_sequences, read_sequences
from cli.errors import CommandError
from cli.figures import Figures
from cli.rendering.console import shop_console
from cli.rendering.progress import terminal_progress
from services.candidates.settings import CandidatesSettings
from services.common.progress import Progress


def measure_sequences(folder: Path, settings: CandidatesSettings, progress: Progress, *, validation: bool) -> None:
    """Prints the figures of a folder of sequences."""
    scores = asyncio.run(bench_sequences(read_sequences(folder), settings, progress, validation=validation))
    name = f"candidates.{folder.resolve().name}"
    figures = Figures(name)
    if validation:
        name += ".validation"
    figures.say(f"{name}.ndcg10", scores.ndcg, "")
    figures.say(f"{name}.recall10", scores.recall, "")
    figures.say(f"{name}.recall300", scores.recall_at_300, "")
    for source_name, (share, unique_share) in scores.shares.items():
        figures.say(f"{name}.{source_name}.share", share, "")
        figures.say(f"{name}.{source_name}.unique_share", unique_share, "")


def measure_baskets(settings: CandidatesSettings, progress: Progress) -> None:
    """Prints the figures of the demo's grocer: together, and by source."""
    scores = asyncio.run(bench_baskets(read_next_baskets(), settings, progress))
    figures = Figures("candidates.demo")
    figures.say("candidates.demo.recall300", scores.recall_at_300, "")
    for name, source in scores.sources.items():
        figures.say(f"candidates.demo.{name}.ndcg10", source.ndcg, "")
        figures.say(f"candidates.demo.{name}.recall10", source.recall, "")
        figures.say(f"candidates.demo.{name}.new_ndcg10", source.new_ndcg, "")
        figures.say(f"candidates.demo.{name}.new_recall10", source.new_recall, "")
        figures.say(f"candidates.demo.{name}.share", source.share, "")
        figures.say(f"candidates.demo.{name}.unique_share", source.unique_share, "")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.candidate_quality", description="Measure what is found.")
    parser.add_argument("folder", type=Path, nargs="?", help="folder with sequences.txt; none: the demo's next baskets")
    parser.add_argument("--validation", action="store_true", help="ask for the last item but one")
    return parser


if __name__ == "__main__":
    parser = _parser()
    options = parser.parse_args()
    with terminal_progress(shop_console(stderr=True)) as terminal:
        try:
            if options.folder is None:
                measure_baskets(CandidatesSettings(), terminal)
            else:
                measure_sequences(options.folder, CandidatesSettings(), terminal, validation=options.validation)
        except CommandError as error:
            parser.error(str(error))
