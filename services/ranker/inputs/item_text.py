"""An item's title and attributes as text and as hashed tokens, which are the same numbers in every process, forever."""

import zlib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import chain, cycle, islice
from typing import Final

from services.common.words import plain, words
from services.ranker.inputs.attributes import attribute_terms
from vitrine.common.v1.attribute_pb2 import AttributeValue

TOKEN_SLOTS: Final = 16
TOKEN_BUCKETS: Final = 1 << 15
"""Tokens are 1 .. TOKEN_BUCKETS - 1; 0 is none."""

FIRST_WORDS: Final = 10
"""Words of a long title that come before the attributes; the others come after them."""

_GRAM: Final = 3
_LONGEST_WORD: Final = 48
"""Characters of a word that count: the caches must not hold whole sentences without spaces."""


def item_tokens(title: str, attributes: Mapping[str, AttributeValue]) -> list[int]:
    """Returns TOKEN_SLOTS tokens: words, attributes, then parts of the words while there is room.

    If there are fewer, they repeat from the first, so that the mean over slots is a mean over tokens; an item without
    any has 0 in all slots.

    Parts are runs of three characters with the word's ends marked (Bojanowski et al., "Enriching Word Vectors with
    Subword Information", 2017), and the characters of scripts without spaces; so words unseen in
    training resemble known ones. A title without words, such as one of emoji, yields its characters.
    """
    spoken = [word[:_LONGEST_WORD] for word in words(title)]
    spoken = spoken or [character for character in plain(title) if not character.isspace()]
    found = chain(
        map(_word, spoken[:FIRST_WORDS]),
        map(_attribute, attribute_terms(attributes)),
        map(_word, spoken[FIRST_WORDS:]),
        chain.from_iterable(map(_parts, spoken)),
    )
    tokens = list(islice(_distinct(found), TOKEN_SLOTS)) or [0]
    return list(islice(cycle(tokens), TOKEN_SLOTS))


def _distinct(tokens: Iterator[int]) -> Iterator[int]:
    met: set[int] = set()
    for token in tokens:
        if token not in met:
            met.add(token)
            yield token


@lru_cache(1 << 16)
def _word(word: str) -> int:
    return _hashed(f"w{word}")


def _attribute(term: str) -> int:
    return _hashed(f"a{plain(term)}")


@lru_cache(1 << 16)
def _parts(word: str) -> tuple[int, ...]:
    if len(word) < _GRAM:
        parts = [] if word.isascii() or len(word) == 1 else list(word)
    else:
        marked = f"<{word}>"
        parts = [marked[begin : begin + _GRAM] for begin in range(len(marked) - _GRAM + 1)]
    return tuple(_hashed(f"p{part}") for part in parts[:TOKEN_SLOTS])


def _hashed(term: str) -> int:
    return 1 + zlib.crc32(term.encode("utf-8", "surrogatepass")) % (TOKEN_BUCKETS - 1)


def item_text(title: str, attributes: Mapping[str, AttributeValue]) -> str:
    """Returns an item's text for a text encoder: the title, then the text attributes ("name: value") by name; empty if
    there are none.
    """
    return ". ".join(part for part in (title.strip(), ", ".join(_spoken(attributes))) if part)


def _spoken(attributes: Mapping[str, AttributeValue]) -> Iterator[str]:
    for name in sorted(attributes):
        value = attributes[name]
        if words := ", ".join([value.text] if value.WhichOneof("value") == "text" else value.texts.values):
            yield f"{name}: {words}"
