from pathlib import Path

import pandas as pd
import pytest

from cli.errors import CommandError, ExitCode
from cli.evaluation.held_out import read_held_out

HEAD = "user_id,type,item_id,event_time,order_id"


def written(folder: Path, *lines: str) -> Path:
    file = folder / "held_out.csv"
    file.write_text("\n".join([HEAD, *lines]), encoding="utf-8")
    return file


def test_the_first_basket_of_each_user_is_kept_and_begin_is_before_the_first(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        "b,purchase,7,2026-05-05T10:00:00Z,two",
        "b,purchase,8,2026-05-06T10:00:00Z,three",
        "a,purchase,5,2026-05-04T12:00:00+02:00,one",
        "a,PURCHASE,é/🧀,2026-05-04T12:00:00+02:00,one",
        "a,view,9,2026-05-01T10:00:00Z,",
    )
    held_out = read_held_out(file)
    assert held_out.baskets == {"a": {"5", "é/🧀"}, "b": {"7"}}
    assert held_out.begin.isoformat() == "2026-05-04T10:00:00+00:00"


def test_parquet_says_the_same(tmp_path: Path) -> None:
    file = tmp_path / "held_out.parquet"
    row = {"user_id": 1, "type": "purchase", "item_id": 2, "event_time": pd.Timestamp("2026-05-04"), "order_id": 3}
    pd.DataFrame([row]).to_parquet(file)
    assert read_held_out(file).baskets == {"1": {"2"}}


def test_without_order_ids_a_moment_is_a_basket(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        "a,purchase,1,2026-05-04T10:00:00Z,",
        "a,purchase,2,2026-05-04T10:00:00Z,",
        "a,purchase,3,2026-05-04T11:00:00Z,",
    )
    assert read_held_out(file).baskets == {"a": {"1", "2"}}


def test_lines_without_user_or_item_are_left_out(tmp_path: Path) -> None:
    file = written(tmp_path, ",purchase,1,2026-05-04,o", "a,purchase,,2026-05-04,o", "a,purchase,2,2026-05-04,o")
    assert read_held_out(file).baskets == {"a": {"2"}}


@pytest.mark.parametrize(
    ("lines", "code", "said"),
    [
        ([], ExitCode.NOT_ENOUGH_DATA, "holds no purchase"),
        (["a,view,1,2026-05-04,"], ExitCode.NOT_ENOUGH_DATA, "holds no purchase"),
        (["a,purchase,1,soon,o"], ExitCode.USAGE, "'soon' isn't a time"),
        (["a,purchase,1,,o"], ExitCode.USAGE, "isn't a time"),
    ],
)
def test_what_cannot_be_used_is_told(tmp_path: Path, lines: list[str], code: ExitCode, said: str) -> None:
    with pytest.raises(CommandError, match=said) as caught:
        read_held_out(written(tmp_path, *lines))
    assert caught.value.exit_code == code


@pytest.mark.parametrize("content", [b"", b"user_id,item_id\na,1\n", b"\xff\xfe\x00broken"])
def test_files_of_another_kind_are_told(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "held_out.csv"
    file.write_bytes(content)
    with pytest.raises(CommandError, match=r"cannot be read|lacks the columns"):
        read_held_out(file)
