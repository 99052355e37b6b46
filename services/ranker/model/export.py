"""Exports a behavior model for TensorFlow Serving: one version directory, with warm-up requests."""

from pathlib import Path
from typing import Any, Final

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from services.ranker.inputs.attributes import ATTRIBUTE_SLOTS
from services.ranker.inputs.candidate_features import FEATURE_NAMES
from services.ranker.inputs.item_columns import CATEGORY_LEVELS
from services.ranker.inputs.item_text import TOKEN_SLOTS
from services.ranker.inputs.tensors import PADDED_SIZES, Tensors, of_user
from services.ranker.known_items import SAMPLE, SIGNATURE, KnownItems
from services.ranker.model.behavior_model import ACTIONS, BehaviorModel
from services.ranker.model.extra_assets import write_warmup_file, write_weight_names

WARM_ITEMS: Final = 64

Specs = dict[str, tf.TensorSpec]


class _Serving:
    """The signatures, as functions of named tensors."""

    def __init__(self, model: BehaviorModel, known: KnownItems) -> None:
        self.model = model
        self._known = known
        length = model.config.history_length
        self._user: Specs = {
            "history_item_nos": _integers("history_item_nos", None, length),
            "history_category_nos": _integers("history_category_nos", None, length, CATEGORY_LEVELS),
            "history_brand_nos": _integers("history_brand_nos", None, length),
            "history_log_prices": _floats("history_log_prices", None, length),
            "history_token_nos": _tokens("history_token_nos", None, length),
            "history_types": _integers("history_types", None, length),
            "history_ages": _floats("history_ages", None, length),
            "user_attributes": _integers("user_attributes", None, ATTRIBUTE_SLOTS),
        }
        self._candidates: Specs = {
            "candidate_item_nos": _integers("candidate_item_nos", None, None),
            "candidate_category_nos": _integers("candidate_category_nos", None, None, CATEGORY_LEVELS),
            "candidate_brand_nos": _integers("candidate_brand_nos", None, None),
            "candidate_log_prices": _floats("candidate_log_prices", None, None),
            "candidate_token_nos": _tokens("candidate_token_nos", None, None),
            "candidate_features": _floats("candidate_features", None, None, len(FEATURE_NAMES)),
        }
        self._items: Specs = {
            "item_nos": _integers("item_nos", None),
            "category_nos": _integers("category_nos", None, CATEGORY_LEVELS),
            "brand_nos": _integers("brand_nos", None),
            "log_prices": _floats("log_prices", None),
            "token_nos": _tokens("token_nos", None),
        }
        if width := sum(model.config.item_vectors.values()):
            self._user["history_vectors"] = _halves("history_vectors", None, length, width)
            self._candidates["candidate_vectors"] = _halves("candidate_vectors", None, None, width)
            self._items["vectors"] = _halves("vectors", None, width)

    def signatures(self) -> dict[str, Any]:
        """Returns the concrete function of each signature."""
        rank = tf.function(self._rank).get_concrete_function(**self._user, **self._candidates)
        return {
            "rank": rank,
            "serving_default": rank,
            "encode_user": tf.function(self._encode_user).get_concrete_function(**self._user),
            "encode_item": tf.function(self._encode_item).get_concrete_function(**self._items),
            SIGNATURE: tf.function(self._known_items).get_concrete_function(places=_integers("places", None)),
        }

    def _rank(self, **inputs: Any) -> dict[str, Any]:
        probabilities = self.model(inputs)
        return {action: probabilities[..., place] for place, action in enumerate(ACTIONS)}

    def _encode_user(self, **inputs: Any) -> dict[str, Any]:
        # Only ranking uses the attributes; the signature takes them so that a later model may use them here, too.
        return {"user_vector": self.model.encode_user(inputs)}

    def _encode_item(self, **inputs: Any) -> dict[str, Any]:
        return {"item_vector": self.model.encode_item(inputs)}

    def _known_items(self, places: Any) -> dict[str, Any]:
        places = tf.clip_by_value(places, 0, len(self._known.item_nos) - 1)
        columns = {"item_nos": self._known.item_nos, "item_marks": self._known.marks}
        return {name: tf.gather(tf.constant(column, tf.int64), places) for name, column in columns.items()}


def export_model(model: BehaviorModel, folder: Path, example: Tensors, known: KnownItems) -> None:
    """Writes the SavedModel, its warm-up file and the names of its weights into `folder`.

    `example` holds the inputs of `rank` for one user: real ones, repeated to every size that requests come in; `known`,
    one item or more, tells the ranker which catalog the model was trained with. Raises OSError if the folder can't be
    written.
    """
    # TensorFlow's own variables, not Keras's around them: with both in the file, a session (TensorFlow Serving loads a
    # model into one) restores one and computes with the other.
    root = tf.Module()
    root.variables_of_model = [variable.value for variable in model.variables]
    try:
        tf.saved_model.save(root, str(folder), signatures=_Serving(model, known).signatures())
    except tf.errors.OpError as error:  # TensorFlow's error for a full disk
        raise OSError(f"the model can't be written to {folder}: {error.message}") from error
    requests = [("rank", _resized(example, size)) for size in PADDED_SIZES]
    requests.append(("encode_user", of_user(example)))
    items = {
        name: np.resize(example[f"candidate_{name}"][0], (WARM_ITEMS, *example[f"candidate_{name}"].shape[2:]))
        for name in model.tower.inputs
    }
    requests.append(("encode_item", items))
    requests.append((SIGNATURE, {"places": np.arange(SAMPLE, dtype=np.int32)}))
    write_warmup_file(folder, requests)
    write_weight_names(model, folder, known)


def encode_items(model: BehaviorModel, inputs: Tensors, chunk: int = 16_384) -> NDArray[np.float32]:
    """Returns the vectors of items, float32 (items, vector_width), from the inputs of signature `encode_item`."""
    count = len(inputs["item_nos"])
    vectors = np.empty((count, model.config.vector_width), np.float32)
    for begin in range(0, count, chunk):
        part = {name: array[begin : begin + chunk] for name, array in inputs.items()}
        vectors[begin : begin + chunk] = model.encode_item(part).numpy()
    return vectors


def _resized(example: Tensors, size: int) -> Tensors:
    return {
        name: np.resize(array[0], (size, *array.shape[2:]))[None] if name.startswith("candidate_") else array
        for name, array in example.items()
    }


def _integers(name: str, *shape: int | None) -> tf.TensorSpec:
    return tf.TensorSpec(shape, tf.int32, name)


def _floats(name: str, *shape: int | None) -> tf.TensorSpec:
    return tf.TensorSpec(shape, tf.float32, name)


def _halves(name: str, *shape: int | None) -> tf.TensorSpec:
    return tf.TensorSpec(shape, tf.float16, name)


def _tokens(name: str, *shape: int | None) -> tf.TensorSpec:
    return tf.TensorSpec((*shape, TOKEN_SLOTS), tf.uint16, name)
