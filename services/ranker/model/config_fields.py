"""Configurations as dataclasses: read from JSON, with defaults for missing fields, and checked against bounds."""

import dataclasses
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")


def read_fields(kind: type[T], path: Path) -> T:
    """Reads a JSON object of the fields of a dataclass that has a default for each.

    Raises OSError if the file can't be read, and ValueError naming a field that doesn't exist, or whose value
    has the wrong type.
    """
    values = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(values, dict):
        raise ValueError(f"{path.name} is not a JSON object of fields and values")  # the content is wrong
    return _made(kind, values, path.name)


def _made(kind: type[T], values: dict[str, Any], where: str) -> T:
    default: Any = kind()
    known = {field.name: getattr(default, field.name) for field in dataclasses.fields(default)}
    if strange := values.keys() - known.keys():
        raise ValueError(f"{where}: no such fields: {', '.join(sorted(strange))}; there are {sorted(known)}")
    given = {}
    for name, value in values.items():
        if dataclasses.is_dataclass(known[name]) and isinstance(value, dict):
            given[name] = _made(type(known[name]), value, f"{where}: {name}")
            continue
        if known[name] == () and isinstance(value, dict):
            value = sorted(value.items())  # noqa: PLW2901  # numbers by name are kept as pairs
        given[name] = tuple(value) if isinstance(value, list) else value
        if not _is_like(given[name], known[name]):
            raise ValueError(f"{where}: {name} is {json.dumps(value)}; it looks like {_shown(known[name])}")
    return kind(**given)


def _is_like(value: object, default: object) -> bool:
    """Whether a value read from JSON has its default's type: a string, an integer, a number, integers, or (if the
    default is empty) integers by name.
    """
    if default == ():
        return isinstance(value, tuple) and all(isinstance(one, tuple) and _is_like(one[1], 1) for one in value)
    if isinstance(default, tuple):
        return isinstance(value, tuple) and bool(value) and all(_is_like(one, default[0]) for one in value)
    if isinstance(default, str):
        return isinstance(value, str)
    wanted = (int, float) if isinstance(default, float) else int
    return isinstance(value, wanted) and not isinstance(value, bool) and not dataclasses.is_dataclass(default)


def _shown(default: Any) -> str:
    if default == ():
        return '{"name": 64}'
    return json.dumps(dataclasses.asdict(default) if dataclasses.is_dataclass(default) else default)  # type: ignore[arg-type]


def require_at_least(fields: Any, least: Mapping[str, int]) -> None:
    """Raises ValueError with name and remedy if one of `fields`' attributes is below its bound, infinite, or NaN."""
    for name, bound in least.items():
        if not bound <= (value := getattr(fields, name)) < math.inf:
            raise ValueError(f"{name} is {value}; give {bound} or more")


def require_positive(fields: Any, names: Iterable[str]) -> None:
    """Raises ValueError if an attribute is 0 or less, infinite, or NaN."""
    for name in names:
        if not 0 < (value := getattr(fields, name)) < math.inf:
            raise ValueError(f"{name} is {value}; give a number above 0")


def require_rates(fields: Any, names: Iterable[str]) -> None:
    """Raises ValueError if an attribute isn't a rate, from 0 to below 1."""
    for name in names:
        if not 0 <= (value := getattr(fields, name)) < 1:
            raise ValueError(f"{name} is {value}; give 0 or more and below 1")
