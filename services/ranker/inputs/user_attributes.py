"""A user's declared attributes as numbers: "name=value" hashed into buckets, the same in every process and for ever."""

import hashlib
import math
from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vitrine.common.v1.attribute_pb2 import AttributeValue

ATTRIBUTE_BUCKETS: Final = 4096
ATTRIBUTE_SLOTS: Final = 16


def attribute_buckets(attributes: Mapping[str, AttributeValue]) -> NDArray[np.int32]:
    """Returns the buckets (1 .. ATTRIBUTE_BUCKETS - 1) of the first ATTRIBUTE_SLOTS attributes by name, 0-padded.

    What the shop has not said takes no slot: a missing attribute is not a value of its own.
    """
    terms = [f"{name}={value}" for name in sorted(attributes) for value in _values(attributes[name])]
    buckets = np.zeros(ATTRIBUTE_SLOTS, np.int32)
    for slot, term in enumerate(terms[:ATTRIBUTE_SLOTS]):
        buckets[slot] = _bucket(term)
    return buckets


def _bucket(term: str) -> int:
    digest = hashlib.blake2b(term.encode(), digest_size=8, person=b"vitrine-attr").digest()
    return 1 + int.from_bytes(digest, "little") % (ATTRIBUTE_BUCKETS - 1)


def _values(value: AttributeValue) -> Iterator[str]:
    match value.WhichOneof("value"):
        case "text":
            yield value.text
        case "flag":
            yield "yes" if value.flag else "no"
        case "texts":
            yield from value.texts.values
        case "number" if math.isfinite(value.number):
            # Numbers of about one size are one term: half powers of two.
            size = round(2 * math.log2(1 + abs(value.number)))
            yield f"{'-' if value.number < 0 else '+'}{size}"
