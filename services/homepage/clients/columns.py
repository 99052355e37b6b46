"""Between repeated protobuf fields and numpy columns."""

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from services.common.errors import InternalError

Scalar = TypeVar("Scalar", bound=np.generic)


def column(values: Sequence[Any], dtype: type[Scalar], count: int | None = None) -> NDArray[Scalar]:
    """Returns a repeated scalar field as an array. Raises InternalError unless it has `count` elements."""
    if count is not None and len(values) != count:
        raise InternalError(f"a column has {len(values)} elements instead of {count}", reason="COLUMN_LENGTH")
    return np.array(values, dtype)
