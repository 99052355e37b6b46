"""The signatures that the ranker requires of a model, checked once per version instead of once per request."""

from dataclasses import dataclass
from typing import Any, Final

from services.ranker.inputs.item_text import TOKEN_SLOTS
from services.ranker.inputs.tensors import VECTORS
from services.ranker.model_fault import MISFIT, ModelFault
from services.ranker.prediction_client import Metadata
from services.ranker.tf_protos import types_pb2
from vitrine.ranker.v1.ranker_service_pb2 import Action

RANK: Final = "rank"
ENCODE_USER: Final = "encode_user"
USER_VECTOR: Final = "user_vector"
ENCODE_ITEM: Final = "encode_item"
ITEM_VECTOR: Final = "item_vector"
OUTPUTS: Final[dict[str, "Action.ValueType"]] = {
    "click": Action.ACTION_CLICK,
    "favorite": Action.ACTION_FAVORITE,
    "add_to_cart": Action.ACTION_ADD_TO_CART,
    "purchase": Action.ACTION_PURCHASE,
}
"""The outputs of `rank` and the actions they predict."""

_VECTORS: Final = f"candidate_{VECTORS}"


@dataclass(frozen=True, slots=True)
class ModelContract:
    """One version of the model, and what may differ between models: the length of the history, and whether it takes
    the shop's vectors.
    """

    version: int
    history_length: int
    takes_vectors: bool = False


@dataclass(frozen=True, slots=True)
class InputSizes:
    """Input sizes that the ranker can send: candidate features, and numbers of an item's vectors."""

    features: int
    vectors: int = 0


def read_contract(metadata: Metadata, sizes: InputSizes) -> ModelContract:
    """Returns the contract; raises ModelFault (MODEL_MISFIT) if the model takes other inputs than the ranker sends."""
    rank = _signature(metadata, RANK)
    encode_user = _signature(metadata, ENCODE_USER)
    for alias in OUTPUTS:
        _require(alias in rank.outputs and rank.outputs[alias].dtype == types_pb2.DT_FLOAT, f"no float output {alias}")
    _require(USER_VECTOR in encode_user.outputs, f"{ENCODE_USER} has no output {USER_VECTOR}")
    features = _last_size(rank, "candidate_features")
    _require(features == sizes.features, f"it takes {features} candidate features, the ranker has {sizes.features}")
    tokens = _last_size(rank, "candidate_token_nos")
    _require(tokens == TOKEN_SLOTS, f"it takes {tokens} tokens of an item, the ranker has {TOKEN_SLOTS}")
    vectors = _last_size(rank, _VECTORS) if _VECTORS in rank.inputs else 0
    _require(
        vectors in {0, sizes.vectors},
        f"it takes {vectors} numbers of an item's vectors, the ranker has {sizes.vectors} (VITRINE_RANKER_VECTORS, "
        "VITRINE_RANKER_TEXT_ENCODER)",
    )
    length = _last_size(rank, "history_item_nos")
    _require(length > 0, "its history has no fixed length")
    _require(length == _last_size(encode_user, "history_item_nos"), f"{RANK} and {ENCODE_USER} differ in history")
    return ModelContract(metadata.version, length, takes_vectors=vectors > 0)


def _signature(metadata: Metadata, name: str) -> Any:
    _require(name in metadata.signatures, f"it has no signature {name}")
    return metadata.signatures[name]


def _last_size(signature: Any, alias: str) -> int:
    _require(alias in signature.inputs and bool(signature.inputs[alias].tensor_shape.dim), f"it takes no {alias}")
    return int(signature.inputs[alias].tensor_shape.dim[-1].size)


def _require(condition: bool, otherwise: str) -> None:  # reads as a sentence
    if not condition:
        raise ModelFault(MISFIT, f"the model doesn't fit this ranker: {otherwise}; train it again")
