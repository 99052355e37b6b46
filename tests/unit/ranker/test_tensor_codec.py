from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from services.ranker.tensor_codec import MAX_ELEMENTS, TensorCodecError, decode, encode, tensor_type, type_name
from services.ranker.tf_protos import tensor_pb2, types_pb2

DTYPES = ["<f4", ">f4", "<f8", "<f2", ">f2", "i1", "<i2", ">i4", "<i8", "u1", "<u2", "<u4", ">u8", "?"]


@given(st.sampled_from(DTYPES).flatmap(lambda dtype: arrays.arrays(dtype, arrays.array_shapes(min_dims=0, min_side=0))))
def test_what_is_encoded_is_decoded(array: NDArray[Any]) -> None:
    back = decode(encode(array))
    assert back.dtype == array.dtype.newbyteorder("=")
    np.testing.assert_array_equal(back, array)


def test_content_is_little_endian_whatever_the_array_is() -> None:
    assert encode(np.array([1], ">i4")).tensor_content == b"\x01\x00\x00\x00"


def test_any_memory_layout_is_taken() -> None:
    array = np.arange(24, dtype=np.float32).reshape(4, 6)[::2, ::-3].T
    np.testing.assert_array_equal(decode(encode(array)), array)


def test_strings_are_bytes() -> None:
    back = decode(encode(np.array([["a", "ü"], [b"\xff", ""]], dtype=object)))
    assert back.tolist() == [[b"a", "ü".encode()], [b"\xff", b""]]


@pytest.mark.parametrize(
    ("dtype", "field", "values"),
    [
        ("DT_FLOAT", "float_val", [1.5, -2.0]),
        ("DT_DOUBLE", "double_val", [1.5, -2.0]),
        ("DT_INT32", "int_val", [1, -2]),
        ("DT_INT8", "int_val", [1, -2]),
        ("DT_UINT8", "int_val", [1, 255]),
        ("DT_INT64", "int64_val", [1, -(2**62)]),
        ("DT_UINT64", "uint64_val", [1, 2**63]),
        ("DT_BOOL", "bool_val", [True, False]),
    ],
)
def test_typed_fields_are_read_and_the_last_value_fills_up(dtype: str, field: str, values: list[Any]) -> None:
    tensor = tensor_pb2.TensorProto(dtype=types_pb2.DataType.Value(dtype))
    for size in (2, 2):
        tensor.tensor_shape.dim.add(size=size)
    getattr(tensor, field).extend(values)
    assert decode(tensor).tolist() == [values, [values[-1]] * 2]


def test_half_precision_is_sent_as_bits() -> None:
    tensor = tensor_pb2.TensorProto(dtype=types_pb2.DT_HALF, half_val=[0x3C00, 0xC000])
    tensor.tensor_shape.dim.add(size=2)
    assert decode(tensor).tolist() == [1.0, -2.0]


def _tensor(dtype: int, *sizes: int, **fields: Any) -> Any:
    tensor = tensor_pb2.TensorProto(dtype=dtype, **fields)
    for size in sizes:
        tensor.tensor_shape.dim.add(size=size)
    return tensor


@pytest.mark.parametrize(
    "tensor",
    [
        _tensor(types_pb2.DT_FLOAT, 2, tensor_content=b"\0" * 7),
        _tensor(types_pb2.DT_FLOAT, 1, tensor_content=b"\0" * 8),
        _tensor(types_pb2.DT_FLOAT, 2),
        _tensor(types_pb2.DT_FLOAT, 1, float_val=[1, 2]),
        _tensor(types_pb2.DT_FLOAT, -1, float_val=[1]),
        _tensor(types_pb2.DT_FLOAT, MAX_ELEMENTS, 2, float_val=[1]),
        _tensor(types_pb2.DT_INT8, 1, int_val=[1000]),
        _tensor(types_pb2.DT_RESOURCE, 1),
        _tensor(types_pb2.DT_INVALID, 1),
        _tensor(types_pb2.DT_STRING, 2),
    ],
)
def test_what_does_not_fit_is_refused(tensor: Any) -> None:
    with pytest.raises(TensorCodecError):
        decode(tensor)


def test_arrays_that_no_tensor_can_hold_are_refused() -> None:
    for array in (np.array(["2020-01-01"], "datetime64[D]"), np.array([1, None], dtype=object)):
        with pytest.raises(TensorCodecError):
            encode(array)


def test_types_have_tensorflows_names() -> None:
    assert type_name(tensor_type(np.dtype(np.float32))) == "float"
    assert type_name(tensor_type(np.dtype(object))) == "string"
    assert type_name(12345) == "unknown type 12345"
