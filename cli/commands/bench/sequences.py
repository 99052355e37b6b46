from pathlib import Path
from typing import Annotated

import typer

from cli.context import command_context
from cli.rendering.progress import terminal_progress


def sequences(
    context: typer.Context,
    folder: Annotated[
        Path, typer.Argument(exists=True, file_okay=False, help="Sequences: a line a user, its items in order.")
    ],
    seeds: Annotated[int, typer.Option(min=1, help="Trainings, each from its own seed; figures are their means.")] = 3,
    minutes: Annotated[
        float, typer.Option(min=0.1, help="Processor time, of all cores together, for the training of one seed.")
    ] = 45.0,
) -> None:
    """Measure backbone and retrieval head of the behavior model on a folder of sequences: each user's last item is
    asked for among all, everything is chosen on the last but one.
    """
    import time
    from statistics import fmean

    from cli.benchmarks.sequence_folder import read_sequence_folder
    from cli.figures import Figures
    from services.ranker.quiet_tensorflow import load_tensorflow_quietly
    from services.ranker.training.sequences.sequence_plan import SequencePlan

    command = command_context(context)
    data = read_sequence_folder(folder)
    load_tensorflow_quietly()
    from cli.benchmarks.sequences import bench_seed

    name = folder.resolve().name
    figures = Figures(f"sequences.{name}")
    results = []
    with terminal_progress(command.messages) as progress:
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
