from pathlib import Path

import pytest

from services.candidates.content.item_terms import tokens
from services.candidates.content.synonyms import Synonyms
from services.common.errors import InvalidArgumentError

TEXT = """
# furniture
sofa, couch, settee
television set, TV
lonely
"""


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Red Sofa", ["couch", "settee"]),
        ("television set", ["TV"]),
        ("a set of a television", ["TV"]),
        ("television", []),
        ("tv", ["television set"]),
        ("lonely", []),
        ("", []),
    ],
)
def test_what_else_may_be_said(title: str, expected: list[str]) -> None:
    assert Synonyms(TEXT).of(tokens(title)) == expected


def test_other_synonyms_have_another_digest() -> None:
    assert Synonyms(TEXT).digest != Synonyms().digest


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"caf\xe9, coffee house")
    for name in ("none", "latin"):
        with pytest.raises(InvalidArgumentError, match="VITRINE_CANDIDATES_SYNONYMS_FILE"):
            Synonyms.read(tmp_path / name)
