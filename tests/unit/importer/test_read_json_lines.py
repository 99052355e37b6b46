import pytest

from cli.errors import CommandError
from tests.unit.importer.conftest import Reader


def test_lines_become_rows_and_bad_lines_rejects(read: Reader) -> None:
    text = '{"id": 1, "name": "Tea"}\nnot json\n\n[1, 2]\n{"id": "007", "price": 1.5}\n'
    (chunk,) = read(text, "items.jsonl")
    assert chunk.lines == [1, 5]
    assert chunk.frame["id"].tolist() == [1, "007"]
    assert [(fault.line, fault.reason) for fault in chunk.broken] == [(2, "ROW_UNREADABLE"), (4, "ROW_UNREADABLE")]


def test_objects_become_columns_and_lists_stay(read: Reader) -> None:
    (chunk,) = read('{"id": "1", "attributes": {"color": "red"}, "category": ["A", "B"], "x": ""}\n', "items.ndjson.gz")
    assert chunk.frame["attributes.color"].tolist() == ["red"]
    assert chunk.frame["category"].tolist() == [["A", "B"]]
    assert chunk.frame["x"].isna().all()


def test_half_a_character_is_rejected(read: Reader) -> None:
    (chunk,) = read('{"id": "\\ud83d"}\n{"id": "\\ud83d\\ude00"}\n', "items.jsonl")
    assert chunk.frame["id"].tolist() == ["😀"]
    assert [(fault.line, fault.reason) for fault in chunk.broken] == [(1, "NOT_TEXT")]


def test_large_numbers_stay_exact(read: Reader) -> None:
    (chunk,) = read('{"id": 9007199254740993}\n{"id": null}\n', "items.jsonl")
    assert chunk.frame["id"].iloc[0] == 9007199254740993


def test_no_lines_are_no_rows(read: Reader) -> None:
    (chunk,) = read("", "items.jsonl")
    assert len(chunk.frame) == 0


def test_an_array_is_refused_with_advice(read: Reader) -> None:
    with pytest.raises(CommandError, match="one object a line"):
        read('[{"id": 1}]', "items.json")


def test_json_is_known_by_its_content(read: Reader) -> None:
    (chunk,) = read('{"id": "1"}\n', "export.txt")
    assert chunk.frame["id"].tolist() == ["1"]
