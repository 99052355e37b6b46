"""Converts between NumPy arrays and `tensorflow.TensorProto`, without TensorFlow."""

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.ranker.tf_protos import tensor_pb2, tensor_shape_pb2, types_pb2

# A proto of a few bytes can describe an array of any size (one value, repeated), so the size is limited.
MAX_ELEMENTS: Final = 1 << 27

_TYPES: Final[dict[np.dtype[Any], int]] = {
    np.dtype(np.float32): types_pb2.DT_FLOAT,
    np.dtype(np.float64): types_pb2.DT_DOUBLE,
    np.dtype(np.float16): types_pb2.DT_HALF,
    np.dtype(np.int8): types_pb2.DT_INT8,
    np.dtype(np.int16): types_pb2.DT_INT16,
    np.dtype(np.int32): types_pb2.DT_INT32,
    np.dtype(np.int64): types_pb2.DT_INT64,
    np.dtype(np.uint8): types_pb2.DT_UINT8,
    np.dtype(np.uint16): types_pb2.DT_UINT16,
    np.dtype(np.uint32): types_pb2.DT_UINT32,
    np.dtype(np.uint64): types_pb2.DT_UINT64,
    np.dtype(np.bool_): types_pb2.DT_BOOL,
}
_DTYPES: Final[dict[int, np.dtype[Any]]] = {number: dtype for dtype, number in _TYPES.items()}
_FIELDS: Final = {
    types_pb2.DT_FLOAT: "float_val",
    types_pb2.DT_DOUBLE: "double_val",
    types_pb2.DT_INT8: "int_val",
    types_pb2.DT_INT16: "int_val",
    types_pb2.DT_INT32: "int_val",
    types_pb2.DT_INT64: "int64_val",
    types_pb2.DT_UINT8: "int_val",
    types_pb2.DT_UINT16: "int_val",
    types_pb2.DT_UINT32: "uint32_val",
    types_pb2.DT_UINT64: "uint64_val",
    types_pb2.DT_BOOL: "bool_val",
    types_pb2.DT_STRING: "string_val",
}


class TensorCodecError(ValueError):
    """The array or proto can't be converted; the message says why."""


def encode(array: NDArray[Any]) -> Any:
    """Returns the TensorProto of `array`: numbers as little-endian `tensor_content`, strings as `string_val`.

    Any byte order and memory layout. Arrays of objects and bytes are encoded as strings (`bytes`, or `str` as UTF-8).
    """
    shape = tensor_shape_pb2.TensorShapeProto(
        dim=[tensor_shape_pb2.TensorShapeProto.Dim(size=size) for size in array.shape]
    )
    if array.dtype.kind in "OSU":
        values = [_as_bytes(value) for value in array.ravel().tolist()]
        return tensor_pb2.TensorProto(dtype=types_pb2.DT_STRING, tensor_shape=shape, string_val=values)
    number = _TYPES.get(array.dtype.newbyteorder("="))
    if number is None:
        raise TensorCodecError(f"arrays of {array.dtype} have no tensor type here; convert to float32 or int32")
    content = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).tobytes()
    return tensor_pb2.TensorProto(dtype=number, tensor_shape=shape, tensor_content=content)


def decode(tensor: Any) -> NDArray[Any]:
    """Returns the array of a TensorProto, from `tensor_content` or from the typed fields.

    If a typed field has fewer values than the shape, the last one fills the rest, as in TensorFlow. The array may be
    read-only. Raises TensorCodecError if type, shape, and content don't match.
    """
    shape = _shape(tensor.tensor_shape)
    size = math.prod(shape)
    if size > MAX_ELEMENTS:
        raise TensorCodecError(f"shape {list(shape)} has {size} elements, the limit is {MAX_ELEMENTS}")
    if tensor.dtype == types_pb2.DT_STRING:
        return _filled(list(tensor.string_val), size, np.dtype(object)).reshape(shape)
    dtype = _DTYPES.get(tensor.dtype)
    if dtype is None:
        raise TensorCodecError(f"tensors of type {type_name(tensor.dtype)} are not supported")
    if content := tensor.tensor_content:  # read once: protobuf copies it on each access
        expected = size * dtype.itemsize
        if len(content) != expected:
            raise TensorCodecError(
                f"tensor_content has {len(content)} bytes, {list(shape)} of {dtype} needs {expected}"
            )
        flat: NDArray[Any] = np.frombuffer(content, dtype.newbyteorder("<"))
        return flat.astype(dtype, copy=False).reshape(shape)
    if tensor.dtype == types_pb2.DT_HALF:  # its 16 bits are sent as integers
        return _filled(list(tensor.half_val), size, np.dtype(np.uint16)).view(np.float16).reshape(shape)
    return _filled(list(getattr(tensor, _FIELDS[tensor.dtype])), size, dtype).reshape(shape)


def tensor_type(dtype: np.dtype[Any]) -> int:
    """Returns the tensor type (`types_pb2.DT_…`) that arrays of `dtype` are sent as."""
    return int(types_pb2.DT_STRING if dtype.kind in "OSU" else _TYPES.get(dtype, types_pb2.DT_INVALID))


def type_name(number: int) -> str:
    """Returns TensorFlow's short name of a tensor type: "float", "int32"."""
    try:
        return str(types_pb2.DataType.Name(number)).removeprefix("DT_").lower()
    except ValueError:
        return f"unknown type {number}"


def _shape(shape: Any) -> tuple[int, ...]:
    if shape.unknown_rank or any(dim.size < 0 for dim in shape.dim):
        raise TensorCodecError("the tensor's shape is unknown; send every dimension's size")
    return tuple(dim.size for dim in shape.dim)


def _filled(values: list[Any], size: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    if len(values) > size or (size and not values):
        raise TensorCodecError(f"the tensor has {len(values)} values for {size} elements")
    array = np.empty(size, dtype)
    try:
        array[: len(values)] = values
    except OverflowError as error:
        raise TensorCodecError(f"a value does not fit into {dtype}") from error
    if len(values) < size:
        array[len(values) :] = values[-1]
    return array


def _as_bytes(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    raise TensorCodecError(f"an array of objects may hold bytes and str only, not {type(value).__name__}")
