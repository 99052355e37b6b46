import gzip
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cli.privacy.file_search import CHUNK_BYTES, count_in, search_files
from cli.privacy.marks import Marks
from services.events.digests import visitor_digest
from vitrine.common.v1.visitor_pb2 import Visitor
from vitrine.events.v1.event_pb2 import Event

ANNA = Visitor(user_id="anna/ü 7")
MARKS = Marks(ANNA)


def parquet(path: Path, value: str, name: str) -> None:
    pd.DataFrame({name: ["bert", value, value], "n": [1, 2, 3]}).to_parquet(path)


def parquet_of_lists(path: Path, value: str, name: str) -> None:
    lists = [["bert"], ["bert", value], []]
    pd.DataFrame({name: lists, "user_places": [[1, 2], [3], []]}).to_parquet(path)


def csv(path: Path, value: str, name: str) -> None:
    pd.DataFrame({"line": [1, 2], name: ["bert", value]}).to_csv(path, index=False)


def npz(path: Path, value: str, name: str) -> None:
    np.savez(path, **{name: np.array(["bert", value]), "numbers": np.arange(3)})  # type: ignore[arg-type]


def npz_of_bytes(path: Path, value: str, name: str) -> None:
    np.savez(path, **{name: np.array([value.encode(), b"x" * 40])})  # type: ignore[arg-type]


def nested_json(path: Path, value: str, name: str) -> None:
    path.write_text(json.dumps({"pages": [{"of": {name: value}}]}))


def log(path: Path, value: str, name: str) -> None:
    path.write_text("no json at all\n" + json.dumps({"event": "served", name: value}) + "\n")


def zipped_lines(path: Path, value: str, name: str) -> None:
    path.write_bytes(gzip.compress((json.dumps({name: value}) + "\n").encode()))


WRITERS = {
    "a.parquet": parquet,
    "b.parquet": parquet_of_lists,
    "a.csv": csv,
    "a.npz": npz,
    "b.npz": npz_of_bytes,
    "a.json": nested_json,
    "a.log": log,
    "a.jsonl.gz": zipped_lines,
}


@pytest.mark.parametrize(("file", "write"), WRITERS.items())
def test_each_kind_of_file_is_read_as_what_it_is(
    tmp_path: Path, file: str, write: Callable[[Path, str, str], None]
) -> None:
    path = tmp_path / file
    write(path, "anna/ü 7", "user_id")
    assert count_in(path, MARKS)
    write(path, "u:anna/ü 7", "item_ids")  # a key is a visitor's wherever it stands
    assert count_in(path, MARKS)
    write(path, "anna/ü 7", "item_id")  # an item may have the same id
    assert not count_in(path, MARKS)
    write(path, "anna/ü", "user_id")  # somebody else
    assert not count_in(path, MARKS)


def test_a_long_id_is_a_visitors_wherever_it_stands(tmp_path: Path) -> None:
    long = "7c1f0a52-88de-4d11-9a31-0c1d"
    path = tmp_path / "a.json"
    nested_json(path, long, "whatever")
    assert count_in(path, Marks(Visitor(anonymous_id=long)))


def test_messages_and_digests_are_found_in_bytes_of_any_size(tmp_path: Path) -> None:
    event = Event(visitor=ANNA, item_id="tea").SerializeToString()
    for place, found in ((0, event), (CHUNK_BYTES - 3, event), (CHUNK_BYTES + 11, visitor_digest("u:anna/ü 7"))):
        path = tmp_path / "store.db"
        path.write_bytes(bytes(place) + found + bytes(10))
        assert count_in(path, MARKS) == 1
    path.write_bytes(Event(visitor=Visitor(user_id="anna/ü 8"), item_id="anna/ü 7").SerializeToString())
    assert count_in(path, MARKS) == 0


def test_an_id_of_one_byte_is_not_seen_where_it_is_none(tmp_path: Path) -> None:
    marks = Marks(Visitor(user_id="1"))
    path = tmp_path / "model.bin"
    path.write_bytes(b"\x0a\x011" * 3)
    assert count_in(path, marks) == 0
    path.write_bytes(Event(visitor=Visitor(user_id="1"), item_id="tea").SerializeToString())
    assert count_in(path, marks) == 1


@pytest.mark.parametrize(
    "spoil", [lambda data: data[:-9], lambda data: data + b"no gzip at all"], ids=["torn", "odd end"]
)
def test_a_gzip_file_that_was_cut_short_is_searched_as_far_as_it_goes(
    tmp_path: Path, spoil: Callable[[bytes], bytes]
) -> None:
    lines = [json.dumps({"user_id": f"bert {number}"}) for number in range(20_000)]
    lines[9_999] = lines[-1] = json.dumps({"user_id": "anna/ü 7"})
    members = [gzip.compress(("\n".join(part) + "\n").encode()) for part in (lines[:10_000], lines[10_000:])]
    path = tmp_path / "users.jsonl.gz"
    path.write_bytes(b"".join(members))
    assert count_in(path, MARKS) == 2
    path.write_bytes(spoil(b"".join(members)))
    assert count_in(path, MARKS) >= 1
    path.write_bytes(b"")
    assert count_in(path, MARKS) == 0


def test_all_folders_are_searched(tmp_path: Path) -> None:
    (tmp_path / "artifacts" / "v1").mkdir(parents=True)
    nested_json(tmp_path / "artifacts" / "v1" / "report.json", "anna/ü 7", "user")
    (tmp_path / "signing.key").write_bytes(b"\0" * 32)
    [trace] = search_files(tmp_path, MARKS)
    assert trace.place.endswith("report.json")
