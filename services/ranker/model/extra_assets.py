"""Files in a SavedModel's assets.extra: warm-up requests, and the weights' names for the next training."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import tensorflow as tf
from numpy.typing import NDArray

from services.ranker.inputs.candidate_features import FEATURE_NAMES
from services.ranker.inputs.tensors import Tensors
from services.ranker.known_items import KnownItems
from services.ranker.model.behavior_model import ACTIONS, BehaviorModel
from services.ranker.model.config import MODEL_NAME
from services.ranker.tensor_codec import encode
from services.ranker.tf_protos import predict_pb2, prediction_log_pb2

WARMUP_FILE: Final = Path("assets.extra") / "tf_serving_warmup_requests"


def write_warmup_file(folder: Path, requests: Sequence[tuple[str, Tensors]]) -> None:
    """Writes (signature, inputs) pairs as a TFRecord file of PredictionLogs, where TensorFlow Serving expects it."""
    path = folder / WARMUP_FILE
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for signature, inputs in requests:
            request = predict_pb2.PredictRequest()
            request.model_spec.name = MODEL_NAME
            request.model_spec.signature_name = signature
            for name, array in inputs.items():
                request.inputs[name].CopyFrom(encode(array))
            log = prediction_log_pb2.PredictionLog(predict_log=prediction_log_pb2.PredictLog(request=request))
            writer.write(log.SerializeToString())


_FILE: Final = Path("assets.extra") / "weights.json"
_VARIABLE: Final = "variables_of_model/{place}/.ATTRIBUTES/VARIABLE_VALUE"


@dataclass(frozen=True, slots=True)
class SavedWeights:
    """The weights of a version by name, and what they were trained for."""

    arrays: Mapping[str, NDArray[Any]]
    contract: Mapping[str, Any]
    """What must match for the weights to be usable: see `contract_of`."""

    marks: Mapping[int, int]
    """Checksums of the ids of some items, by number: they identify the catalog."""


def contract_of(model: BehaviorModel) -> dict[str, Any]:
    """Returns what weights depend on, as JSON values: configuration, features, and actions."""
    told = {"configuration": asdict(model.config), "features": FEATURE_NAMES, "actions": ACTIONS}
    contract: dict[str, Any] = json.loads(json.dumps(told))
    return contract


def write_weight_names(model: BehaviorModel, folder: Path, known: KnownItems) -> None:
    """Writes the names next to the warm-up file: TensorFlow Serving ignores unknown files there. The values are in the
    SavedModel itself, whose variables are in the order of the model's.
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
    """Reads a version's weights. Raises OSError or ValueError if it has none, or none that can be read."""
    told = json.loads((folder / _FILE).read_text(encoding="utf-8"))
    try:
        checkpoint = tf.train.load_checkpoint(str(folder / "variables" / "variables"))
        arrays = {
            name: checkpoint.get_tensor(_VARIABLE.format(place=place)) for place, name in enumerate(told["variables"])
        }
        return SavedWeights(arrays, told["contract"], {int(number): int(mark) for number, mark in told["marks"]})
    except (KeyError, TypeError, tf.errors.OpError) as error:
        raise ValueError(f"its weights can't be read: {error}") from error
