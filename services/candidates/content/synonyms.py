import hashlib
from pathlib import Path

from services.candidates.content.item_terms import tokens
from services.common.errors import InvalidArgumentError


class Synonyms:
    """Words and phrases that mean the same, from lines such as "sofa, couch, settee"; `#` begins a comment.

    They are added to an item's words before it is indexed, so that a search costs nothing more, and so that every index
    knows the same ones.
    """

    def __init__(self, text: str = "") -> None:
        self.digest = hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
        self._groups: list[list[tuple[str, frozenset[str]]]] = []
        self._groups_with: dict[str, list[int]] = {}
        for line in text.splitlines():
            phrases = [phrase.strip() for phrase in line.partition("#")[0].split(",")]
            group = [(phrase, frozenset(tokens(phrase))) for phrase in phrases if tokens(phrase)]
            if len(group) > 1:
                for _, words in group:
                    self._groups_with.setdefault(min(words), []).append(len(self._groups))
                self._groups.append(group)

    @classmethod
    def read(cls, path: Path | None) -> "Synonyms":
        """Reads a file; None: there are none. Raises InvalidArgumentError where it cannot be read."""
        if path is None:
            return cls()
        try:
            return cls(path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidArgumentError(
                f"VITRINE_CANDIDATES_SYNONYMS_FILE {path} cannot be read as UTF-8 ({error})",
                reason="SYNONYMS_UNREADABLE",
            ) from error

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._groups)

    def of(self, words: set[str]) -> list[str]:
        """Returns what else may be said for what is among the words, in the file's order."""
        groups = sorted({number for word in words for number in self._groups_with.get(word, ())})
        found: dict[str, None] = {}
        for number in groups:
            group = self._groups[number]
            if any(phrase <= words for _, phrase in group):
                found.update({text: None for text, phrase in group if not phrase <= words})
        return list(found)
