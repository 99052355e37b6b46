"""The behavior model with a billion parameters: how fast it trains on this machine, and in how much memory.

Run with `make bench-billion`. The model is the product's own by a configuration file, model.json beside this one; its
users and candidates are drawn at random, so that the figures say what a step costs and nothing of what it learns.
"""

import argparse
import resource
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import numpy as np

from cli.figures import Figures
from services.ranker.inputs.item_columns import ItemColumns
from services.ranker.inputs.item_text import TOKEN_BUCKETS, TOKEN_SLOTS
from services.ranker.inputs.tensors import with_content
from services.ranker.model.config import BehaviorModelConfig
from services.ranker.quiet_tensorflow import load_tensorflow_quietly
from services.ranker.training.examples.examples import empty_inputs
from services.ranker.training.fitting.negative_sampler import NegativeSampler
from services.ranker.training.plan import TrainingPlan

ITEMS: Final = 2_000_000
BATCHES: Final = 4
WARM_STEPS: Final = 3
CATEGORIES: Final = 500


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description="Train a model of a billion parameters for some steps.")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--rows", type=int, help="rows of the items' table, instead of the file's")
    arguments = parser.parse_args()
    config = BehaviorModelConfig.read(Path(__file__).with_name("model.json"))
    if arguments.rows:
        config = replace(config, hashed_item_rows=arguments.rows)
    load_tensorflow_quietly()
    from services.ranker.model.behavior_model import BehaviorModel
    from services.ranker.model.embeddings import Vocabulary
    from services.ranker.training.fitting.trainer import FitProgress, Trainer
    from services.ranker.training.workers.team import Alone

    plan, random = TrainingPlan(model=config), np.random.default_rng(1)
    none, categories = np.zeros(0, np.int64), np.arange(1, CATEGORIES)
    model = BehaviorModel(config, Vocabulary(none, none, categories, categories), plan.seed)
    items = _catalog(random)
    negatives = NegativeSampler(items, none, plan.retrieval_negatives, plan.seed)
    trainer = Trainer(model, negatives, items, plan, FitProgress(WARM_STEPS + arguments.steps), Alone())
    batches = [_batch(plan, items, random) for _ in range(BATCHES)]
    for step in range(WARM_STEPS):
        trainer.step(batches[step % BATCHES])
    started = perf_counter()
    for step in range(arguments.steps):
        trainer.step(batches[step % BATCHES])
    loss = trainer.mean_loss()  # waits for the steps
    seconds = perf_counter() - started
    if not np.isfinite(loss):
        raise SystemExit(f"the loss is {loss}")
    figures = Figures("billion")
    figures.say("billion.parameters", float(model.count_params()), "")
    figures.say("billion.steps", arguments.steps / seconds, "/s")
    figures.say("billion.examples", arguments.steps * plan.batch_size / seconds, "/s")
    figures.say("billion.peak_rss", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, "GiB")


def _catalog(random: np.random.Generator) -> ItemColumns:
    """Returns a catalog of ITEMS numbers with texts."""
    items = ItemColumns()
    for name in ("known", "id_marks", "brand_nos", "log_prices", "mean_log_prices"):
        column = getattr(items, name)
        setattr(items, name, np.resize(column, ITEMS + 1))
    items.category_nos = np.zeros((ITEMS + 1, items.category_nos.shape[1]), np.int32)
    items.token_nos = random.integers(1, TOKEN_BUCKETS, (ITEMS + 1, TOKEN_SLOTS), np.uint16)
    items.known[1:] = True
    return items


def _batch(plan: TrainingPlan, items: ItemColumns, random: np.random.Generator) -> dict[str, Any]:
    """Returns a batch of users and candidates from all over the catalog, of full size in every direction."""
    count, slots = plan.batch_size, plan.draw.slots
    batch = empty_inputs(count, slots, plan.model.history_length)
    for name, array in batch.items():
        if name.endswith("item_nos"):
            array[:] = random.integers(1, ITEMS + 1, array.shape)
        elif name.endswith(("category_nos", "brand_nos")):
            array[:] = random.integers(1, CATEGORIES, array.shape)
        elif array.dtype == np.float32:
            array[:] = random.normal(size=array.shape)
    batch["history_types"][:] = 1
    batch["history_ages"] = np.sort(random.exponential(90, batch["history_ages"].shape))[:, ::-1].astype(np.float32)
    batch = with_content(batch, items)
    batch["labels"] = (random.random((count, slots, 4)) < 0.05).astype(np.float32)
    batch["offsets"] = np.zeros((count, slots), np.float32)
    batch["real"] = np.ones((count, slots), np.float32)
    batch["weights"] = np.ones(count, np.float32)
    return batch


if __name__ == "__main__":
    main()
