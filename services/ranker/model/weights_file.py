"""What a SavedModel's weights are called, so that the next training can go on from them."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import tensorflow as tf
from numpy.typing import NDArray

from services.ranker.inputs.candidate_features import FEATURE_NAMES
from services.ranker.known_items import KnownItems
from services.ranker.model.behavior_model import ACTIONS, BehaviorModel

_FILE: Final = Path("assets.extra") / "weights.json"
_VARIABLE: Final = "variables_of_model/{place}/.ATTRIBUTES/VARIABLE_VALUE"


@dataclass(frozen=True, slots=True)
class SavedWeights:
    """The weights of a version by their names, and what they were made for."""

    arrays: Mapping[str, NDArray[Any]]
    contract: Mapping[str, Any]
    """What must be the same for the weights to mean the same: see `contract_of`."""

    marks: Mapping[int, int]
    """Checksums of the ids of some items, by number: which catalog it speaks of."""


def contract_of(model: BehaviorModel) -> dict[str, Any]:
    """Returns what weights depend on: the configuration, the features and the actions, as JSON has them."""
    told = {"configuration": asdict(model.config), "features": FEATURE_NAMES, "actions": ACTIONS}
    contract: dict[str, Any] = json.loads(json.dumps(told))
    return contract


def write_weight_names(model: BehaviorModel, folder: Path, known: KnownItems) -> None:
    """Writes the names beside the warm-up file: TensorFlow Serving passes over what it does not know there. The values
    are in the SavedModel itself, whose variables are in the order of the model's.
    """
    told = {
        "contract": contract_of(model),
        "variables": [variable.path for variable in model.variables],
        "marks": list(zip(known.item_nos.tolist(), known.marks.tolist(), strict=True)),
    }
    path = folder / _FILE
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(told), encoding="utf-8")


def read_weights(folder: Path) -> SavedWeights:
    """Reads a version's weights. Raises OSError or ValueError where it has none that can be read."""
    told = json.loads((folder / _FILE).read_text(encoding="utf-8"))
    try:
        checkpoint = tf.train.load_checkpoint(str(folder / "variables" / "variables"))
        arrays = {
            name: checkpoint.get_tensor(_VARIABLE.format(place=place)) for place, name in enumerate(told["variables"])
        }
        return SavedWeights(arrays, told["contract"], {int(number): int(mark) for number, mark in told["marks"]})
    except (KeyError, TypeError, tf.errors.OpError) as error:
        raise ValueError(f"its weights cannot be read: {error}") from error
