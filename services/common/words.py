"""Cuts text into words, in any script."""

import re
import unicodedata
from typing import Final

_ASCII_WORD: Final = re.compile(r"[a-z0-9]+")
_WORD: Final = re.compile(r"\w+")
# Scripts that are written without spaces: Thai to Khmer, kana, Han; and Hangul, whose words are long.
_UNSPACED: Final = re.compile(
    "[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
    "\U00020000-\U0003ffff]+"
)
_LATIN_MARKS: Final = re.compile("[\u0300-\u036f]")


def plain(text: str) -> str:
    """Returns the text without case, Latin accents and compatibility forms: "Crème" becomes "creme"."""
    if text.isascii():
        return text.lower()
    stripped = _LATIN_MARKS.sub("", unicodedata.normalize("NFKD", text).casefold())
    return unicodedata.normalize("NFC", stripped)


def words(text: str) -> list[str]:
    """Returns the words of a text in their order: plain words, or pairs of characters.

    "Crème 45ml" gives ["creme", "45ml"]; a run of Chinese, Japanese, Korean or Thai gives its overlapping pairs, and a
    single character itself.
    """
    folded = plain(text)
    if folded.isascii():
        return _ASCII_WORD.findall(folded)
    found: list[str] = []
    for word in _WORD.findall(folded):
        for run in _UNSPACED.findall(word):
            found.extend(run[i : i + 2] for i in range(max(1, len(run) - 1)))
        found.extend(_UNSPACED.sub(" ", word).split())
    return found
