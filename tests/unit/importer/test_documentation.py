"""docs/import.md says what the code does: its tables are the code's."""

import re
from pathlib import Path

import pytest

from cli.importer.attribute_types import UNITS
from cli.importer.event_fields import EVENTS, TYPE_WORDS
from cli.importer.fields import Field, Kind
from cli.importer.item_fields import ITEMS
from cli.importer.missing import Remedy
from cli.importer.user_fields import USERS
from vitrine.events.v1.event_pb2 import EventType

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "import.md").read_text(encoding="utf-8")


def row(field: Field) -> str:
    name = f"**`{field.name}`**" if field.required else f"`{field.name}`"
    return f"| {name} | {field.values.value} | {', '.join(f'`{name}`' for name in field.synonyms)} |"


def table(begin: str) -> list[str]:
    """The rows of the table behind a mark, without its head."""
    text = PAGE.partition(begin)[2].partition("<!-- end -->")[0]
    return text.strip().splitlines()[2:]


@pytest.mark.parametrize("kind", [ITEMS, USERS, EVENTS], ids=lambda kind: kind.name)
def test_fields_and_synonyms(kind: Kind) -> None:
    assert table(f"<!-- fields: {kind.name} -->") == [row(field) for field in kind.fields]


def test_words_for_types() -> None:
    names = {number: EventType.Name(number).removeprefix("EVENT_TYPE_").lower() for number in TYPE_WORDS}
    assert table("<!-- types -->") == [
        f"| `{names[number]}` | {', '.join(f'`{word}`' for word in words if word != names[number])} |"
        for number, words in TYPE_WORDS.items()
    ]


def test_every_reason_is_explained() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "cli" / "importer").glob("*.py"))
    reasons = set(re.findall(r'"([A-Z]+(?:_[A-Z0-9]+)+)"', code))
    assert reasons
    assert {reason for reason in reasons if f"`{reason}`" not in PAGE} == set()


def test_policies_units_and_prefixes() -> None:
    for remedy in Remedy:
        assert f"| `{remedy.value}" in PAGE
    for unit in UNITS:
        assert f"`_{unit}`" in PAGE
    for prefix in ITEMS.attribute_prefixes + EVENTS.attribute_prefixes:
        assert f"`{prefix}`" in PAGE or prefix == "attributes."
