import gzip
from pathlib import Path

import pytest

from cli.errors import CommandError, ExitCode
from cli.importer.chunk import Chunk
from cli.importer.read import Source
from tests.unit.importer.conftest import Reader


def only(chunks: list[Chunk]) -> Chunk:
    assert len(chunks) == 1
    return chunks[0]


def rows(chunk: Chunk) -> list[list[object]]:
    return chunk.frame.astype("object").where(chunk.frame.notna(), None).to_numpy().tolist()


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_out(read: Reader, delimiter: str) -> None:
    lines = [["id", "name, or title", "price"], ["007", "Tea; green", "1,5"], ["1e5", "a", "2"]]
    text = "\n".join(delimiter.join(f'"{cell}"' for cell in line) for line in lines)
    chunk = only(read(text))
    assert list(chunk.frame.columns) == lines[0]
    assert rows(chunk) == lines[1:]


def test_decimal_commas_do_not_hide_the_delimiter(read: Reader) -> None:
    chunk = only(read("id;price;stock\n1;1.299,00;3\n2;5,50;4\n"))
    assert rows(chunk) == [["1", "1.299,00", "3"], ["2", "5,50", "4"]]


def test_the_delimiter_that_excel_writes_is_taken(read: Reader) -> None:
    chunk = only(read("sep=;\nid;a,b\n1;2,3\n"))
    assert list(chunk.frame.columns) == ["id", "a,b"]
    assert chunk.lines == [3]


def test_cells_stay_as_they_are(read: Reader) -> None:
    cells = ["007", "1e5", " padded ", "NA", "nan", "True", "A", "a", "🧀/;|"]
    chunk = only(read("id,x\n" + "".join(f'"{cell}",1\n' for cell in cells)))
    assert chunk.frame["id"].tolist() == cells


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings_are_found_out(read: Reader, encoding: str) -> None:
    chunk = only(read("id,title\n1,Café à 5 €\n".encode(encoding)))
    assert rows(chunk) == [["1", "Café à 5 €"]]
    assert list(chunk.frame.columns) == ["id", "title"]


def test_latin_1_is_found_out_by_a_letter_in_the_last_line(read: Reader) -> None:
    text = "id,title\n" + "1,Tea\n" * 300_000 + "2,Crème\n"
    assert read(text.encode("latin-1"), rows_per_chunk=400_000)[0].frame["title"].iloc[-1] == "Crème"


def test_bytes_that_windows_1252_does_not_have_are_latin_1(read: Reader) -> None:
    assert rows(only(read(b"id,title\n1,\xe9\x81\n"))) == [["1", "é\x81"]]


def test_a_row_with_broken_bytes_is_rejected_where_the_encoding_was_said(read: Reader) -> None:
    chunk = only(read(b"id,title\n1,Caf\xe9\n2,Tea\n", encoding="utf-8"))
    assert rows(chunk) == [["2", "Tea"]]
    assert [(fault.line, fault.reason) for fault in chunk.broken] == [(2, "NOT_TEXT")]


def test_rows_are_known_by_the_physical_line_they_begin_on(read: Reader) -> None:
    chunk = only(read('id,text\n1,"one\ntwo\r\nthree"\n\n2,x\n'))
    assert rows(chunk) == [["1", "one\ntwo\r\nthree"], ["2", "x"]]
    assert chunk.lines == [2, 6]


def test_empty_rows_are_passed_over_and_empty_cells_are_missing(read: Reader) -> None:
    chunk = only(read("a,b\n1,\n\n,\n,,,\n,2\n"))
    assert rows(chunk) == [["1", None], [None, "2"]]
    assert chunk.lines == [2, 6]


def test_rows_of_another_length_are_rejected_with_their_lines(read: Reader) -> None:
    chunk = only(read('a,b,c\n1,2,3\n4,5\n"6\n6",7,8,9\n1,2,3,\n'))
    assert rows(chunk) == [["1", "2", "3"], ["1", "2", "3"]]
    assert [(fault.line, fault.reason) for fault in chunk.broken] == [(3, "ROW_TOO_SHORT"), (4, "ROW_TOO_LONG")]


def test_a_quotation_mark_that_is_never_closed_costs_its_row_alone(read: Reader) -> None:
    chunk = only(read('a,b\n1,2\n3,"4\n5,6\n7,8\n'))
    assert rows(chunk) == [["1", "2"], ["5", "6"], ["7", "8"]]
    assert [(fault.line, fault.reason, fault.value) for fault in chunk.broken] == [(3, "ROW_UNREADABLE", '3,"4')]


def test_a_quotation_mark_inside_a_quoted_cell_costs_its_row_alone(read: Reader) -> None:
    chunk = only(read('a,b\n1,"5" wide"\n2,5" wide\n'))
    assert rows(chunk) == [["2", '5" wide']]
    assert [fault.line for fault in chunk.broken] == [2]


def test_chunks_are_bounded_and_complete(read: Reader) -> None:
    chunks = read("a\n" + "".join(f"{number}\n" for number in range(10)), rows_per_chunk=4)
    assert [len(chunk.lines) for chunk in chunks] == [4, 4, 2]
    assert [value for chunk in chunks for value in chunk.frame["a"]] == [str(number) for number in range(10)]


def test_gzip_is_known_by_its_content(tmp_path: Path, read: Reader) -> None:
    assert rows(only(read("a,b\n1,2\n", "file.csv.gz"))) == [["1", "2"]]
    (tmp_path / "odd").write_bytes(gzip.compress(b"a,b\n1,2\n"))
    assert rows(only(list(Source.of(tmp_path / "odd").chunks(10)))) == [["1", "2"]]


def test_a_header_alone_is_a_file_without_rows(read: Reader) -> None:
    chunk = only(read("item_id,title\n"))
    assert list(chunk.frame.columns) == ["item_id", "title"]
    assert rows(chunk) == []


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf"])
def test_a_file_without_a_header_is_refused(read: Reader, content: bytes) -> None:
    with pytest.raises(CommandError, match="is empty") as caught:
        read(content)
    assert caught.value.exit_code == ExitCode.USAGE


def test_two_columns_of_one_name_are_refused(read: Reader) -> None:
    with pytest.raises(CommandError, match="2 columns 'price'"):
        read("id,price,price\n1,2,3\n")


def test_columns_without_a_name_get_one(read: Reader) -> None:
    assert list(only(read(",b\n1,2\n")).frame.columns) == ["column 1", "b"]


def test_a_compressed_file_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cut.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n" + bytes(range(32, 127)) * 500)[:-20])
    with pytest.raises(CommandError, match="cut off"):
        Source.of(path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read: No such file"):
        Source.of(tmp_path / "nowhere.csv")


def test_an_unknown_encoding_is_refused(read: Reader) -> None:
    with pytest.raises(CommandError, match="no encoding 'utf-9'"):
        read("a\n1\n", encoding="utf-9")
