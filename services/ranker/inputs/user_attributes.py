"""A user's declared attributes as numbers: "name=value" hashed into buckets, the same in every process and for ever."""

import hashlib
from collections.abc import Mapping
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.ranker.inputs.attribute_terms import attribute_terms
from vitrine.common.v1.attribute_pb2 import AttributeValue

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
