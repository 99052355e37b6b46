"""The features that make items alike."""

import math
from collections.abc import Hashable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from services.candidates.catalog.attribute_terms import attribute_term, attribute_terms
from services.common.words import words
from vitrine.features.v1.item_pb2 import Item


def tokens(text: str) -> set[str]:
    """Returns the distinct terms of a text (see `words`)."""
    return set(words(text))


FIELD_WEIGHTS: Final[Mapping[str, float]] = MappingProxyType(
    {"title": 1.0, "category": 1.2, "brand": 0.7, "creator": 0.7, "attribute": 0.6, "price_band": 0.3}
)
"""How much sharing a feature of each field says, before the feature's rarity."""

# Prices that differ by less than a third or so share a band.
_BAND_WIDTH: Final = 0.3

Term = tuple[str, Hashable]


def item_terms(item: Item) -> Iterator[Term]:
    """Yields the item's features, each once, as (field, value).

    They are title words, every level of the category paths, brand, creator, attributes and price band.
    A feature is there or it is not (f = 1); numbers among the attributes are features by equality.
    """
    for token in tokens(item.title):
        yield "title", token
    paths = [tuple(path.names) for path in item.category_paths]
    for prefix in {path[:depth] for path in paths for depth in range(1, len(path) + 1)}:
        yield "category", prefix
    if item.brand:
        yield "brand", item.brand
    if item.creator_id:
        yield "creator", item.creator_id
    for name, value in item.attributes.items():
        term = attribute_term(value)
        for part in set(attribute_terms(term)) if term else ():
            yield "attribute", (name, part)
    if item.HasField("price"):
        yield "price_band", math.floor(math.log1p(item.price) / _BAND_WIDTH)
