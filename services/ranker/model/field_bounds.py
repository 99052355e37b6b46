import math
from collections.abc import Iterable, Mapping
from typing import Any


def require_at_least(fields: Any, least: Mapping[str, int]) -> None:
    """Raises ValueError with name and remedy where one of `fields`' attributes is below its bound, infinite or NaN."""
    for name, bound in least.items():
        if not bound <= (value := getattr(fields, name)) < math.inf:
            raise ValueError(f"{name} is {value}; give {bound} or more")


def require_positive(fields: Any, names: Iterable[str]) -> None:
    """Raises the same where an attribute is 0 or less, infinite or NaN."""
    for name in names:
        if not 0 < (value := getattr(fields, name)) < math.inf:
            raise ValueError(f"{name} is {value}; give a number above 0")


def require_rates(fields: Any, names: Iterable[str]) -> None:
    """Raises the same where an attribute is no part of a whole, from 0 to below 1."""
    for name in names:
        if not 0 <= (value := getattr(fields, name)) < 1:
            raise ValueError(f"{name} is {value}; give 0 or more and below 1")
