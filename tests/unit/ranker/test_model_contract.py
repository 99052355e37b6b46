from collections.abc import Callable
from typing import Any

import pytest

from services.ranker.inputs.item_text import TOKEN_SLOTS
from services.ranker.model_contract import InputSizes, ModelContract, read_contract
from services.ranker.model_fault import ModelFault
from services.ranker.prediction_client import Metadata
from services.ranker.tf_protos import meta_graph_pb2, types_pb2


def _signatures() -> dict[str, Any]:
    rank, encode_user = meta_graph_pb2.SignatureDef(), meta_graph_pb2.SignatureDef()
    for signature in (rank, encode_user):
        _sized(signature.inputs["history_item_nos"], -1, 50)
    _sized(rank.inputs["candidate_features"], -1, -1, 8)
    _sized(rank.inputs["candidate_token_nos"], -1, -1, TOKEN_SLOTS)
    for alias in ("click", "favorite", "add_to_cart", "purchase"):
        rank.outputs[alias].dtype = types_pb2.DT_FLOAT
    encode_user.outputs["user_vector"].dtype = types_pb2.DT_FLOAT
    return {"rank": rank, "encode_user": encode_user}


def _sized(info: Any, *sizes: int) -> None:
    del info.tensor_shape.dim[:]
    for size in sizes:
        info.tensor_shape.dim.add(size=size)


def test_a_fitting_model_tells_its_history() -> None:
    assert read_contract(Metadata(7, _signatures()), InputSizes(8)) == ModelContract(version=7, history_length=50)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda s: s.pop("rank"), "no signature rank"),
        (lambda s: s.pop("encode_user"), "no signature encode_user"),
        (lambda s: s["rank"].outputs.pop("favorite"), "favorite"),
        (lambda s: setattr(s["rank"].outputs["click"], "dtype", types_pb2.DT_INT32), "click"),
        (lambda s: s["encode_user"].outputs.pop("user_vector"), "user_vector"),
        (lambda s: s["rank"].inputs.pop("candidate_features"), "candidate_features"),
        (lambda s: _sized(s["rank"].inputs["candidate_features"], -1, -1, 9), "9 candidate features"),
        (lambda s: _sized(s["rank"].inputs["candidate_vectors"], -1, -1, 96), "96 numbers of an item's vectors"),
        (lambda s: s["rank"].inputs.pop("candidate_token_nos"), "takes no candidate_token_nos; train it again"),
        (lambda s: _sized(s["rank"].inputs["candidate_token_nos"], -1, -1, 3), "3 tokens of an item"),
        (lambda s: _sized(s["rank"].inputs["history_item_nos"], -1, -1), "no fixed length"),
        (lambda s: _sized(s["encode_user"].inputs["history_item_nos"], -1, 20), "differ in history"),
    ],
)
def test_a_model_that_does_not_fit_is_refused_with_the_reason(
    spoil: Callable[[dict[str, Any]], object], words: str
) -> None:
    signatures = _signatures()
    spoil(signatures)
    with pytest.raises(ModelFault, match=words) as caught:
        read_contract(Metadata(7, signatures), InputSizes(8, 64))
    assert caught.value.reason == "MODEL_MISFIT"


@pytest.mark.parametrize("takes", [True, False])
def test_a_ranker_with_vectors_serves_models_with_and_without(takes: bool) -> None:
    signatures = _signatures()
    if takes:
        _sized(signatures["rank"].inputs["candidate_vectors"], -1, -1, 64)
    assert read_contract(Metadata(7, signatures), InputSizes(8, 64)).takes_vectors is takes
