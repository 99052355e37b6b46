"""The visitor's minimum known age."""

import re
from collections.abc import Mapping
from typing import Final

from vitrine.common.v1.attribute_pb2 import AttributeValue

_BELOW: Final = re.compile(r"^\s*(<|-|under\b|below\b|up to\b)", re.IGNORECASE)
_NUMBER: Final = re.compile(r"\d{1,3}")


def known_age(attributes: Mapping[str, AttributeValue]) -> int | None:
    """Returns the minimum age in years that follows from the attributes; None if it's unknown.

    "age" is a number; "age_band" is one, too, or a band, whose lower bound counts: "25-34" is 25, "65+" is 65, "<18" 0.
    """
    for name in ("age", "age_band"):
        value = attributes.get(name)
        if value is None:
            continue
        if value.WhichOneof("value") == "number" and 0 <= value.number <= 150:
            return int(value.number)
        if value.WhichOneof("value") == "text" and (age := _lower_bound(value.text)) is not None:
            return age
    return None


def _lower_bound(band: str) -> int | None:
    if _BELOW.match(band):
        return 0
    found = _NUMBER.search(band)
    return int(found.group()) if found else None
