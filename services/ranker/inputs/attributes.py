"""Declared attributes of users and items as terms "name=value"; a user's are also hashed into buckets."""

import hashlib
import math
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vitrine.common.v1.attribute_pb2 import AttributeValue


def attribute_terms(attributes: Mapping[str, AttributeValue]) -> Iterator[str]:
    """Yields a term for each value, by the attributes' names. An attribute without a value has none."""
    for name in sorted(attributes):
        for value in _values(attributes[name]):
            yield f"{name}={value}"


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


ATTRIBUTE_BUCKETS: Final = 4096
ATTRIBUTE_SLOTS: Final = 16


def attribute_buckets(attributes: Mapping[str, AttributeValue]) -> NDArray[np.int32]:
    """Returns the buckets (1 .. ATTRIBUTE_BUCKETS - 1) of the first ATTRIBUTE_SLOTS attributes by name, 0-padded.

    What the shop has not said takes no slot: a missing attribute is not a value of its own.
    """
    buckets = np.zeros(ATTRIBUTE_SLOTS, np.int32)
    for slot, term in enumerate(islice(attribute_terms(attributes), ATTRIBUTE_SLOTS)):
        buckets[slot] = _bucket(term)
    return buckets


def _bucket(term: str) -> int:
    digest = hashlib.blake2b(term.encode(), digest_size=8, person=b"vitrine-attr").digest()
    return 1 + int.from_bytes(digest, "little") % (ATTRIBUTE_BUCKETS - 1)
