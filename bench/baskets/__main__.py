"""How well candidates and ranker together find next baskets of the demo's grocer: what isn't proposed is missed.

Run with `make bench-baskets SEEDS=3`. All households, all items, beside the baselines.
"""

import argparse
import asyncio
import dataclasses
from statistics import fmean, stdev

from bench.candidate_quality.complete_journey import read_next_baskets
from cli.errors import CommandError
from cli.figures import Figures
from cli.rendering.console import shop_console
from cli.rendering.progress import terminal_progress
from services.candidates.settings import CandidatesSettings
from services.common.progress import Progress
from services.ranker.quiet_tensorflow import load_tensorflow_quietly
from services.ranker.training.plan import TrainingPlan


def main(seeds: int, plan: TrainingPlan, progress: Progress) -> None:
    """Prints the figures: means over the seeds, and each seed's."""
    data = read_next_baskets()
    load_tensorflow_quietly()
    from bench.baskets.ranking import bench_baskets

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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.baskets", description="Rank next baskets of the demo shop.")
    parser.add_argument("--seeds", type=int, default=3, help="trainings, each with its own seed")
    parser.add_argument("--epochs", type=int, default=TrainingPlan().epochs, help="most epochs of a training")
    return parser


if __name__ == "__main__":
    parser = _parser()
    options = parser.parse_args()
    with terminal_progress(shop_console(stderr=True)) as terminal:
        try:
            main(options.seeds, dataclasses.replace(TrainingPlan(), epochs=options.epochs), terminal)
        except CommandError as error:
            parser.error(str(error))
