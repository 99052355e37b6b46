"""Recall, among all items, of the next items that are new to a user; and the weight of the collaborative factors that
maximizes it.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from services.ranker.inputs.tensors import of_user
from services.ranker.model.behavior_model import BehaviorModel
from services.ranker.training.examples.examples import Examples
from services.ranker.training.item_vectors import ItemVectors

LENGTH: Final = 100
WEIGHTS: Final = (0.0, 0.5, 1.0, 2.0, 4.0)
"""Candidate weights of the factors against the learned elements."""

_CHUNK: Final = 64
_CELLS: Final = 20_000_000
_FEWEST_USERS: Final = 200

Score = Callable[[slice], NDArray[np.float32]]
"""The scores of all items for some users, (users, items)."""


def choose_factor_weight(
    model: BehaviorModel, validation: Examples, item_vectors: ItemVectors, past_item_nos: NDArray[np.int64]
) -> dict[str, float]:
    """Sets the weight of best recall, the smallest of equal ones; returns recall at LENGTH of "model", of
    "learned" (its vectors without factors) and of "popularity".

    If no user has a new item, the weight is 1, and the result is empty.
    """
    item_nos = item_vectors.item_nos.astype(np.int64)
    fresh = _FreshItems(validation, item_nos)
    if not len(fresh):
        model.factor_weight.assign(1.0)
        return {}
    met = np.bincount(past_item_nos, minlength=int(item_nos.max()) + 1)[item_nos].astype(np.float32)
    vectors = item_vectors.vectors.T
    model.factor_weight.assign(1.0)
    users = _user_vectors(model, fresh.inputs())
    learned = model.config.width + 1

    def weighed(weight: float) -> Score:
        weights = np.where(np.arange(users.shape[1]) < learned, 1.0, weight).astype(np.float32)
        return lambda rows: np.matmul(users[rows] * weights, vectors, dtype=np.float32)

    found = {weight: fresh.recall(weighed(weight)) for weight in (WEIGHTS if model.factors else WEIGHTS[:1])}
    best = max(found, key=lambda weight: found[weight])
    model.factor_weight.assign(best)
    popularity = fresh.recall(lambda rows: np.tile(met, (rows.stop - rows.start, 1)))
    return {"model": found[best], "learned": found[0.0], "popularity": popularity}


class _FreshItems:
    """The users of enough first examples to measure by, and the items of each one's visit that its history lacks."""

    def __init__(self, examples: Examples, item_nos: NDArray[np.int64]) -> None:
        self._examples = examples
        self._item_nos = item_nos
        histories = examples.inputs["history_item_nos"]
        most = max(_FEWEST_USERS, _CELLS // max(1, len(item_nos)))
        self._wanted: list[NDArray[np.int64]] = []
        self._rows: list[int] = []
        for row, visit in enumerate(examples.visits):
            fresh = np.setdiff1d(visit.item_nos, histories[row])
            if len(fresh) and len(self._rows) < most:
                self._rows.append(row)
                self._wanted.append(fresh)

    def __len__(self) -> int:
        return len(self._rows)

    def inputs(self) -> Iterator[dict[str, NDArray[Any]]]:
        """Yields the inputs of `encode_user`, some users at a time."""
        for rows in self._chunks():
            yield of_user(self._examples.rank_inputs(np.array(self._rows[rows])))

    def recall(self, score: Score) -> float:
        """Returns the mean over users of what part of their fresh items stands in the best LENGTH of all others."""
        recalls = []
        for rows in self._chunks():
            scores = score(rows)
            histories = self._examples.inputs["history_item_nos"][self._rows[rows]]
            places = np.minimum(np.searchsorted(self._item_nos, histories), len(self._item_nos) - 1)
            users = np.broadcast_to(np.arange(len(histories))[:, None], places.shape)
            known = self._item_nos[places] == histories
            scores[users[known], places[known]] = -np.inf
            count = min(LENGTH, scores.shape[1])
            best = self._item_nos[np.argpartition(-scores, count - 1, axis=1)[:, :count]]
            recalls += [np.isin(wanted, found).mean() for wanted, found in zip(self._wanted[rows], best, strict=True)]
        return float(np.mean(recalls))

    def _chunks(self) -> Iterator[slice]:
        for begin in range(0, len(self), _CHUNK):
            yield slice(begin, min(begin + _CHUNK, len(self)))


def _user_vectors(model: BehaviorModel, batches: Iterator[dict[str, NDArray[Any]]]) -> NDArray[np.float32]:
    encode = tf.function(model.encode_user, reduce_retracing=True)
    parts = [encode({name: tf.constant(array) for name, array in batch.items()}).numpy() for batch in batches]
    return np.concatenate(parts)
