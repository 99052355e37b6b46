import re
from collections.abc import Iterable
from enum import Enum

from cli.errors import CommandError, ExitCode


class AttributeType(Enum):
    """What the values of an attribute are."""

    TEXT = "text"
    NUMBER = "number"
    FLAG = "flag"
    TEXTS = "texts"


# Attributes whose names end in `_` and one of these are numbers in that unit. Each unit's dimension and size in it.
UNITS = {
    "mg": ("mass", 0.001),
    "g": ("mass", 1.0),
    "kg": ("mass", 1_000.0),
    "ml": ("volume", 1.0),
    "cl": ("volume", 10.0),
    "l": ("volume", 1_000.0),
    "mm": ("length", 1.0),
    "cm": ("length", 10.0),
    "m": ("length", 1_000.0),
}


def unit_of(attribute: str) -> str:
    """The unit that an attribute's name ends in, such as "g" of `weight_g`; empty: none."""
    match = re.search(r"_([a-z]+)$", attribute.casefold())
    return match[1] if match and match[1] in UNITS else ""


def parse_attributes(said: Iterable[str]) -> dict[str, AttributeType]:
    """The columns that `--attributes` names, with their types: "color,screen:number".

    Raises:
        CommandError: a type is none.
    """
    types = {}
    for entry in (part.strip() for text in said for part in text.split(",")):
        column, colon, name = entry.rpartition(":")
        if not colon:
            column, name = entry, AttributeType.TEXT.value
        try:
            types[column.strip()] = AttributeType(name.strip())
        except ValueError:
            names = ", ".join(known.value for known in AttributeType)
            raise CommandError(
                f"--attributes {entry}: there is no type {name!r}; there are {names}", ExitCode.USAGE
            ) from None
    return types
