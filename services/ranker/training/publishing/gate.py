"""The checks that an exported model must pass to be published. A failed one says by how much."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from services.common.errors import FailedPreconditionError, VitrineError
from services.ranker.inputs.candidate_features import FEATURE_NAMES
from services.ranker.inputs.tensors import Tensors
from services.ranker.model.behavior_model import ACTIONS, BehaviorModel
from services.ranker.modelserver.saved_model import SavedModel, load_saved_model
from services.ranker.modelserver.warmup import warm_up
from services.ranker.training.examples.examples import Examples
from services.ranker.training.fitting.fit import values_of
from services.ranker.training.fitting.ranking_metrics import RankingMetrics, ndcg_by_user
from services.ranker.training.report import Check

SMOKE_EXAMPLES: Final = 16
MOST_DIFFERENCE: Final = 1e-4
TIMED_REQUESTS: Final = 15


def check_model(
    folder: Path,
    model: BehaviorModel,
    validation: Examples,
    model_metrics: RankingMetrics,
    popularity: RankingMetrics,
    *,
    budget_seconds: float,
) -> list[Check]:
    """Returns all checks of the SavedModel in `folder`, which was exported from `model`. It's loaded, warmed up, and
    called as by the model server, since another loader would prove nothing. It may take `budget_seconds` for one
    visitor.
    """
    checks = [check_better(model_metrics, popularity)]
    try:
        with closing(load_saved_model(folder)) as exported:
            warm_up(exported, folder)
            contract = check_signatures(exported.meta_graph.signature_def)
            checks.append(contract)
            if contract.passed:
                checks.extend(_answers(exported, model, validation))
                checks.append(_check_latency(exported, validation, budget_seconds))
    except VitrineError as error:
        checks.append(Check("can be served", passed=False, found=str(error), needed="a model that loads and warms up"))
    return checks


def _answers(exported: SavedModel, model: BehaviorModel, validation: Examples) -> Iterator[Check]:
    for name, inputs in (("visitors", _smoke(validation)), ("unknown visitor and items", _unknown(validation))):
        outputs = exported.run("rank", inputs)
        served = np.stack([outputs[action] for action in ACTIONS], axis=-1)
        yield check_finite(f"finite for {name}", served)
        expected = model({key: tf.constant(value) for key, value in inputs.items()}).numpy()
        yield _check_same(f"same as trained for {name}", served, expected)


def check_better(model: RankingMetrics, popularity: RankingMetrics) -> Check:
    """The model ranks better than popularity does."""
    return Check(
        "better than popularity",
        bool(np.isfinite(model.ndcg) and model.ndcg > popularity.ndcg),
        f"NDCG@10 {model.ndcg:.4f}",
        f"more than {popularity.ndcg:.4f}",
    )


def _check_latency(exported: SavedModel, validation: Examples, budget_seconds: float) -> Check:
    """Ranks one visitor's candidates some times: the median counts, which other work on the machine moves least."""
    inputs = validation.rank_inputs(slice(1))
    seconds = []
    for _ in range(TIMED_REQUESTS):
        started = perf_counter()
        exported.run("rank", inputs)
        seconds.append(perf_counter() - started)
    median, slots = float(np.median(seconds)), validation.labels.shape[1]
    found = f"{median * 1000:.1f} ms for {slots} candidates"
    return Check("inside the latency budget", median <= budget_seconds, found, f"at most {budget_seconds * 1000:g} ms")


def check_signatures(signatures: Mapping[str, Any]) -> Check:
    """The signatures (SignatureDefs by name) are there with the contract's outputs and sizes."""
    missing = sorted({"rank", "serving_default", "encode_user", "encode_item"} - set(signatures))
    faults = [f"no signature {name}" for name in missing]
    if not missing:
        rank = signatures["rank"]
        faults += [f"rank has no output {action}" for action in ACTIONS if action not in rank.outputs]
        features = rank.inputs["candidate_features"].tensor_shape.dim[-1].size
        if features != len(FEATURE_NAMES):
            faults.append(f"rank takes {features} candidate features")
    return Check(
        "signatures", not faults, "; ".join(faults) or "as agreed", f"the contract with {len(FEATURE_NAMES)} features"
    )


def check_finite(name: str, probabilities: NDArray[Any]) -> Check:
    """Every probability is a number from 0 to 1."""
    good = np.isfinite(probabilities) & (probabilities >= 0) & (probabilities <= 1)
    bad = int(good.size - np.count_nonzero(good))
    return Check(name, bad == 0, f"{bad} of {good.size} probabilities are none", "0")


def check_vectors(vectors: NDArray[Any]) -> Check:
    """Every item's vector, a row of `vectors`, is of finite numbers."""
    bad = int(np.count_nonzero(~np.isfinite(vectors).all(axis=1)))
    return Check("finite for items", bad == 0, f"{bad} of {len(vectors)} item vectors are not finite", "0")


def _check_same(name: str, served: NDArray[Any], expected: NDArray[Any]) -> Check:
    difference = float(np.nan_to_num(np.abs(served - expected), nan=np.inf).max(initial=0.0))
    return Check(name, difference <= MOST_DIFFERENCE, f"differs by {difference:.1e}", f"at most {MOST_DIFFERENCE:.0e}")


def _smoke(examples: Examples) -> Tensors:
    return examples.rank_inputs(slice(SMOKE_EXAMPLES))


def _unknown(examples: Examples) -> Tensors:
    """A visitor of whom nothing is known, and items with numbers that no vocabulary has."""
    inputs = {name: np.zeros_like(array) for name, array in examples.rank_inputs(slice(1)).items()}
    inputs["candidate_item_nos"] += np.iinfo(np.int32).max
    inputs["candidate_brand_nos"] += np.iinfo(np.int32).max
    inputs["history_log_prices"] -= 1.0
    inputs["candidate_log_prices"] -= 1.0
    return inputs


AS_GOOD: Final = "as good as the version that serves"
_CHUNK: Final = 64


def check_against_serving(serving: Path | None, validation: Examples, values: NDArray[Any]) -> Check:
    """Compares the new model's `values` (E, N) of the validation's candidates with those of the version in `serving`.

    The validation is later than the training data of either version. The new one passes if it's no worse than chance
    explains: the mean difference over users is at least minus one standard error. A version that doesn't exist, can't
    be loaded, or takes other inputs isn't compared: then the other checks decide.
    """
    if serving is None:
        return Check(AS_GOOD, passed=True, found="no version serves", needed="none to compare with")
    try:
        with closing(load_saved_model(serving)) as model:
            served = _values(model, validation)
    except VitrineError as error:
        return Check(
            AS_GOOD, passed=True, found=f"version {serving.name} cannot be compared: {error}", needed="one that can"
        )
    ours, theirs = ndcg_by_user(validation, values), ndcg_by_user(validation, served)
    chance = float(np.std(ours - theirs)) / len(ours) ** 0.5
    least = float(theirs.mean()) - chance
    return Check(
        AS_GOOD,
        bool(np.isfinite(values).any() and ours.mean() >= least),
        f"NDCG@10 {ours.mean():.4f}",
        f"at least {least:.4f}, which is version {serving.name}'s {theirs.mean():.4f} less what chance explains",
    )


def _values(model: SavedModel, validation: Examples) -> NDArray[np.float32]:
    contract = check_signatures(model.meta_graph.signature_def)
    if not contract.passed:
        raise FailedPreconditionError(contract.found)
    strange = set(model.meta_graph.signature_def["rank"].inputs) - set(validation.rank_inputs(slice(1)))
    if strange:
        raise FailedPreconditionError(f"rank takes {', '.join(sorted(strange))}")
    values = []
    for begin in range(0, len(validation), _CHUNK):
        outputs = model.run("rank", validation.rank_inputs(slice(begin, begin + _CHUNK)))
        values.append(values_of(np.stack([outputs[action] for action in ACTIONS], axis=-1)))
    return np.concatenate(values)
