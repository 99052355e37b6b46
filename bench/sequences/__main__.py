"""How well the behavior model's backbone and retrieval head predict each user's last item.

Run with `make bench-sequences FOLDER=… SEEDS=3`. The folder has a file sequences.txt with one user per line: an id and
the user's items, oldest first. All items are ranked; everything is chosen on the last item but one.
"""

import argparse
import time
from pathlib import Path
from statistics import fmean

from bench.sequences.sequence_folder import read_sequence_folder
from bench.sequences.sequence_plan import SequencePlan
from cli.errors import CommandError
from cli.figures import Figures
from cli.rendering.console import shop_console
from cli.rendering.progress import terminal_progress
from services.common.progress import Progress
from services.ranker.quiet_tensorflow import load_tensorflow_quietly


def main(folder: Path, seeds: int, minutes: float, progress: Progress) -> None:
    """Prints the figures, a seed's as soon as they are known."""
    data = read_sequence_folder(folder)
    load_tensorflow_quietly()
    from bench.sequences.benchmark import bench_seed

    name = folder.resolve().name
    figures = Figures(f"sequences.{name}")
    results = []
    for seed in range(1, seeds + 1):
        begun = time.process_time()
        result = bench_seed(data, SequencePlan(), seed, progress, minutes)
        results.append(result)
        begin = f"sequences.{name}.seed{seed}"
        figures.say(f"{begin}.processor_time", (time.process_time() - begun) / 60, "min")
        figures.say(f"{begin}.members", result.members, "")
        figures.say(f"{begin}.validation_ndcg10", result.validation.ndcg, "")
        for kind, scores in (("single_", result.single), ("model_", result.model), ("", result.reranked)):
            figures.say(f"{begin}.{kind}ndcg10", scores.ndcg, "")
            figures.say(f"{begin}.{kind}recall10", scores.recall, "")
    figures.say(f"sequences.{name}.ndcg10", fmean(result.reranked.ndcg for result in results), "")
    figures.say(f"sequences.{name}.recall10", fmean(result.reranked.recall for result in results), "")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.sequences", description="Predict each user's last item.")
    parser.add_argument("folder", type=Path, help="folder with sequences.txt: one user per line, items oldest first")
    parser.add_argument("--seeds", type=int, default=3, help="trainings, each with its own seed")
    parser.add_argument("--minutes", type=float, default=45.0, help="processor time of all cores for one seed")
    return parser


if __name__ == "__main__":
    parser = _parser()
    options = parser.parse_args()
    with terminal_progress(shop_console(stderr=True)) as terminal:
        try:
            main(options.folder, options.seeds, options.minutes, terminal)
        except CommandError as error:
            parser.error(str(error))
