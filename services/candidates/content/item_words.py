"""The words that items are searched by."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from services.candidates.content.item_terms import Term, tokens
from services.candidates.content.synonyms import Synonyms
from vitrine.common.v1.attribute_pb2 import AttributeValue
from vitrine.features.v1.item_pb2 import Item

WORD_WEIGHTS: Final[Mapping[str, float]] = MappingProxyType(
    {"title": 1.0, "brand": 0.8, "category": 0.6, "synonym": 0.5, "attribute": 0.4}
)
"""How much a word says in each field, before its rarity."""


class ItemWords:
    """Reads an item's words, by field, from the item; synonyms are added here, before anything is indexed."""

    def __init__(self, synonyms: Synonyms) -> None:
        self._synonyms = synonyms

    def terms(self, item: Item) -> Iterator[Term]:
        """Yields (field, token), each once."""
        for field, text in self.texts(item).items():
            # Titles differ; of the others a shop has few, and many items of each.
            for token in tokens(text) if field == "title" else _known_tokens(text):
                yield field, token

    def texts(self, item: Item) -> dict[str, str]:
        """Returns the text of fields of WORD_WEIGHTS; it has no synonyms where the shop has none."""
        categories = {name: None for path in item.category_paths for name in path.names}
        texts = {
            "title": item.title,
            "brand": item.brand,
            "category": " ; ".join(categories),
            "attribute": " ; ".join(text for value in item.attributes.values() for text in _texts(value)),
        }
        if self._synonyms:
            texts["synonym"] = " ; ".join(self._synonyms.of(tokens(" ; ".join(texts.values()))))
        return texts


@lru_cache(maxsize=50_000)
def _known_tokens(text: str) -> frozenset[str]:
    return frozenset(tokens(text))


def _texts(value: AttributeValue) -> list[str]:
    kind = value.WhichOneof("value")
    if kind == "text":
        return [value.text]
    return list(value.texts.values) if kind == "texts" else []


def word_groups(text: str) -> list[list[Term]]:
    """Returns for each word of a search the features that it may be found as."""
    return [[(field, token) for field in WORD_WEIGHTS] for token in sorted(tokens(text))]


def least_words(count: int) -> int:
    """Returns how many of so many words must be in an item: of one or two all, of more three quarters, rounded down."""
    return count if count <= 2 else count * 3 // 4
