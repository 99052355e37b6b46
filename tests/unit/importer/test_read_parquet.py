from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cli.errors import CommandError
from cli.importer.read import Source
from cli.importer.texts import clean_ids


def read(path: Path, table: pa.Table, rows_per_chunk: int = 100) -> list[pd.DataFrame]:
    pq.write_table(table, path)
    return [chunk.frame for chunk in Source.of(path).chunks(rows_per_chunk)]


def test_types_stay_and_integers_with_gaps_are_exact(tmp_path: Path) -> None:
    table = pa.table(
        {
            "id": pa.array([9007199254740993, None], pa.int64()),
            "name": pa.array(["Tea", "Tea"]).dictionary_encode(),
            "price": pa.array(["1.50", None]).cast(pa.decimal128(9, 2)),
            "seen": pa.array([1, None], pa.timestamp("ms", "UTC")),
            "day": pa.array([1, None], pa.date32()),
            "empty": pa.nulls(2),
            "more": pa.array([{"a": 1}, None]),
            "raw": pa.array([b"x", None], pa.binary()),
        }
    )
    (frame,) = read(tmp_path / "typed.parquet", table)
    assert clean_ids(frame["id"]).values == ["9007199254740993", None]
    assert frame["name"].tolist() == ["Tea", "Tea"]
    assert frame["price"].iloc[0] == 1.5
    assert pd.api.types.is_datetime64_any_dtype(frame["seen"])
    assert pd.api.types.is_datetime64_any_dtype(frame["day"])
    assert frame["empty"].isna().all()
    assert frame["more.a"].iloc[0] == 1
    assert frame["raw"].iloc[0] == "x"


def test_rows_are_known_by_their_number(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"id": ["a", "b", "c"]}), path)
    assert [list(chunk.lines) for chunk in Source.of(path).chunks(2)] == [[1, 2], [3]]


def test_no_rows_are_one_empty_chunk(tmp_path: Path) -> None:
    (frame,) = read(tmp_path / "none.parquet", pa.table({"id": pa.array([], pa.string())}))
    assert list(frame.columns) == ["id"]
    assert len(frame) == 0


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cut.parquet"
    pq.write_table(pa.table({"id": ["a"] * 1_000}), path)
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(CommandError, match="no Parquet file that can be read"):
        list(Source.of(path).chunks(10))
