"""Validates a PredictRequest against the model's signature, with TensorFlow Serving's errors."""

from collections.abc import Mapping
from typing import Any, Final

from numpy.typing import NDArray

from services.common.errors import FailedPreconditionError, InvalidArgumentError
from services.ranker.tensor_codec import TensorCodecError, decode, tensor_type, type_name

DEFAULT_SIGNATURE: Final = "serving_default"


def signature_of(signatures: Mapping[str, Any], name: str) -> Any:
    """Returns the SignatureDef; raises FailedPreconditionError if the model has none of that name."""
    if name not in signatures:  # indexing a proto map would make one
        raise FailedPreconditionError(f'Serving signature key "{name}" not found.', reason="SIGNATURE_NOT_FOUND")
    signature = signatures[name]
    if not signature.inputs or not signature.outputs:
        raise FailedPreconditionError(
            f'Serving signature key "{name}" cannot be called: it has no inputs or no outputs.',
            reason="SIGNATURE_NOT_CALLABLE",
        )
    return signature


def read_inputs(signature: Any, request: Any) -> dict[str, NDArray[Any]]:
    """Returns the request's inputs as arrays; raises InvalidArgumentError if they don't match the signature."""
    sent, wanted = set(request.inputs), set(signature.inputs)
    if sent != wanted:
        raise InvalidArgumentError(
            f"input size does not match signature: {len(sent)}!={len(wanted)} "
            f"len({_set(sent)}) != len({_set(wanted)}). Sent extra: {_set(sent - wanted)}. "
            f"Missing but required: {_set(wanted - sent)}.",
            reason="INPUTS_DO_NOT_FIT",
        )
    return {alias: _read(alias, signature.inputs[alias], tensor) for alias, tensor in request.inputs.items()}


def wanted_outputs(signature: Any, request: Any) -> list[str]:
    """Returns the outputs that the request's filter names, or all if it names none."""
    if not request.output_filter:
        return sorted(signature.outputs)
    seen: list[str] = []
    for alias in request.output_filter:
        if alias not in signature.outputs:
            raise InvalidArgumentError(
                f"output tensor alias not found in signature: {alias} "
                f"Outputs expected to be in the set {_set(signature.outputs)}.",
                reason="OUTPUT_NOT_FOUND",
            )
        if alias in seen:
            raise InvalidArgumentError(f"duplicate output tensor alias: {alias}", reason="OUTPUT_TWICE")
        seen.append(alias)
    return seen


def _read(alias: str, info: Any, tensor: Any) -> NDArray[Any]:
    try:
        array = decode(tensor)
    except TensorCodecError as error:
        raise InvalidArgumentError(f"tensor parsing error: {alias} ({error})", reason="TENSOR_BROKEN") from error
    if tensor_type(array.dtype) != info.dtype:
        raise InvalidArgumentError(
            f"Expects arg {alias} to be {type_name(info.dtype)} but {type_name(tensor.dtype)} is provided",
            reason="TYPE_DOES_NOT_FIT",
        )
    sizes = [dim.size for dim in info.tensor_shape.dim]
    fits = info.tensor_shape.unknown_rank or (
        len(sizes) == array.ndim and all(want in (-1, have) for want, have in zip(sizes, array.shape, strict=True))
    )
    if not fits:
        raise InvalidArgumentError(
            f"Cannot feed value of shape {list(array.shape)} for input {alias}, "
            f"which has shape {[None if size == -1 else size for size in sizes]}",
            reason="SHAPE_DOES_NOT_FIT",
        )
    return array


def _set(names: Any) -> str:
    return "{" + ",".join(sorted(names)) + "}"
