from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.ranker.inputs.attributes import ATTRIBUTE_SLOTS
from services.ranker.inputs.candidate_features import FEATURE_NAMES
from services.ranker.inputs.item_columns import CATEGORY_LEVELS, ItemColumns
from services.ranker.inputs.tensors import Tensors, candidate_inputs, user_inputs, with_content
from services.ranker.inputs.user_columns import UserColumns
from services.ranker.inputs.visits import visit_weights
from services.ranker.training.examples.next_visit import ACTIONS, Visit


@dataclass(frozen=True, slots=True)
class Examples:
    """Users at cuts with candidates and what became of them: E examples of N slots.

    `inputs` are those of signature `rank` in a batch of E, without the items' content; `labels` (E, N, actions);
    `offsets` (E, N): CandidateDraw; `exposures` (E, N): how the visit's user was shown each (inputs/exposures.py).
    """

    inputs: Tensors
    labels: NDArray[np.float32]
    offsets: NDArray[np.float32]
    exposures: NDArray[np.uint8]
    visits: list[Visit]
    """Each user's visit, including items that aren't candidates."""

    items: ItemColumns = field(default_factory=ItemColumns)
    """The items' content; by default no item has any."""

    @property
    def real(self) -> NDArray[np.bool_]:
        """Which slots aren't padding, (E, N)."""
        real: NDArray[np.bool_] = self.inputs["candidate_item_nos"] > 0
        return real

    def __len__(self) -> int:
        return len(self.visits)

    def rank_inputs(self, places: NDArray[Any] | slice) -> Tensors:
        """Returns the inputs of signature `rank` of some examples, with the items' content."""
        return with_content({name: array[places] for name, array in self.inputs.items()}, self.items)

    def batch(self, places: NDArray[Any]) -> Tensors:
        """Returns some examples as one batch: the inputs, `labels`, `offsets`, `exposures`, `real` and `weights` (one a
        visit).
        """
        tensors = self.rank_inputs(places)
        tensors["labels"] = self.labels[places]
        tensors["offsets"] = self.offsets[places]
        tensors["exposures"] = self.exposures[places].astype(np.int32)
        tensors["real"] = (tensors["candidate_item_nos"] > 0).astype(np.float32)
        sizes = np.array([len(self.visits[place].item_nos) for place in places.tolist()])
        tensors["weights"] = visit_weights(sizes).astype(np.float32)
        return tensors


def empty_inputs(count: int, slots: int, history_length: int) -> Tensors:
    """Returns the inputs of signature `rank` for `count` examples, all of them 0."""
    integers: dict[str, tuple[int, ...]] = {
        "history_item_nos": (history_length,),
        "history_category_nos": (history_length, CATEGORY_LEVELS),
        "history_brand_nos": (history_length,),
        "history_types": (history_length,),
        "user_attributes": (ATTRIBUTE_SLOTS,),
        "candidate_item_nos": (slots,),
        "candidate_category_nos": (slots, CATEGORY_LEVELS),
        "candidate_brand_nos": (slots,),
    }
    floats: dict[str, tuple[int, ...]] = {
        "history_log_prices": (history_length,),
        "history_ages": (history_length,),
        "candidate_log_prices": (slots,),
        "candidate_features": (slots, len(FEATURE_NAMES)),
    }
    return {
        **{name: np.zeros((count, *shape), np.int32) for name, shape in integers.items()},
        **{name: np.zeros((count, *shape), np.float32) for name, shape in floats.items()},
    }


class ExampleWriter:
    """Fills arrays that are made once for the greatest number of examples that may come."""

    def __init__(self, most: int, slots: int, history_length: int, items: ItemColumns) -> None:
        self._items = items
        self._slots = slots
        self._history_length = history_length
        self._inputs = empty_inputs(most, slots, history_length)
        self._labels = np.zeros((most, slots, len(ACTIONS)), np.float32)
        self._offsets = np.zeros((most, slots), np.float32)
        self._exposures = np.zeros((most, slots), np.uint8)
        self._visits: list[Visit] = []

    def add(
        self,
        user: UserColumns,
        cut_millis: int,
        visit: Visit,
        item_nos: NDArray[np.int64],
        offsets: NDArray[np.float32] | None = None,
    ) -> None:
        """Adds an example: the user as of the cut, what came next, and the candidates."""
        place, count = len(self._visits), len(item_nos)
        tensors = {
            **user_inputs(user, self._items, cut_millis, self._history_length),
            **candidate_inputs(user, self._items, item_nos, cut_millis, self._slots),
        }
        for name, tensor in tensors.items():
            self._inputs[name][place] = tensor[0]
        self._labels[place, :count] = labels_of(visit, item_nos)
        self._exposures[place, :count] = visit.shown.of(item_nos)
        if offsets is not None:
            self._offsets[place, :count] = offsets
        self._visits.append(visit)

    def extend(self, examples: Examples) -> None:
        """Adds examples that were made before, of the same slots."""
        begin, end = len(self._visits), len(self._visits) + len(examples)
        for name, tensor in examples.inputs.items():
            self._inputs[name][begin:end] = tensor
        self._labels[begin:end] = examples.labels
        self._offsets[begin:end] = examples.offsets
        self._exposures[begin:end] = examples.exposures
        self._visits += examples.visits

    def __len__(self) -> int:
        return len(self._visits)

    def finish(self) -> Examples:
        """Returns all examples."""
        return self.since(0)

    def since(self, begin: int) -> Examples:
        """Returns the examples from a place on, in the arrays that they were written into."""
        some = slice(begin, len(self._visits))
        inputs = {name: tensor[some] for name, tensor in self._inputs.items()}
        return Examples(
            inputs,
            self._labels[some],
            self._offsets[some],
            self._exposures[some],
            self._visits[some],
            self._items,
        )


def labels_of(visit: Visit, item_nos: NDArray[np.int64]) -> NDArray[np.float32]:
    """Returns the visit's labels of items, (items, actions), 0 for items not in it."""
    places = np.minimum(np.searchsorted(visit.item_nos, item_nos), len(visit.item_nos) - 1)
    touched = visit.item_nos[places] == item_nos
    return np.where(touched[:, None], visit.labels[places], np.float32(0))
