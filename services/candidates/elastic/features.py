"""The features that make items alike, as terms of the index: "title:" and a digest of the value."""

import hashlib
import json
from collections.abc import Iterable

from services.candidates.content.item_terms import FIELD_WEIGHTS, Term


def feature_texts(terms: Iterable[Term]) -> list[str]:
    """Returns the features as short texts, in a fixed order."""
    return sorted(f"{field}:{_digest(value)}" for field, value in terms)


def field_weight(feature: str) -> float:
    """Returns the weight of the field that a feature is of."""
    return FIELD_WEIGHTS[feature.partition(":")[0]]


def _digest(value: object) -> str:
    return hashlib.blake2b(json.dumps(value, ensure_ascii=False).encode(), digest_size=8).hexdigest()
