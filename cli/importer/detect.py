import codecs
import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from pathlib import Path
from typing import IO, TextIO

from cli.errors import CommandError, ExitCode
from cli.importer.delimiters import delimiter_of
from cli.importer.encodings import encoding_of

GZIP_MARK = b"\x1f\x8b"
PARQUET_MARK = b"PAR1"
BLOCK_BYTES = 1 << 20
LINES_LOOKED_AT = 400
LINE_CHARACTERS_LOOKED_AT = 1 << 16

# What Excel writes, and reads, as a CSV's first line.
DELIMITER_LINE = re.compile(r"sep=(.)\r?\n?")


class Format(Enum):
    """How a file holds its rows."""

    CSV = "CSV"
    JSON_LINES = "JSON Lines"
    PARQUET = "Parquet"


@dataclass(frozen=True, slots=True)
class FileForm:
    """How a file is to be read.

    Args:
        format: how it holds its rows.
        gzipped: whether it is compressed.
        encoding: of its text.
        delimiter: CSV: what parts the columns.
        lines_before_header: CSV: lines to pass over.
    """

    format: Format
    gzipped: bool = False
    encoding: str = "utf-8"
    delimiter: str = ","
    lines_before_header: int = 0


def detect(path: Path, encoding: str = "") -> FileForm:
    """Finds out how a file is to be read. Its content decides; its name does where the content cannot.

    Args:
        path: the file.
        encoding: of its text; empty: auto-detected.

    Raises:
        CommandError: it cannot be read, is empty, or is none of the formats.
    """
    try:
        return _detect(path, encoding)
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror or error}", ExitCode.USAGE) from error
    except EOFError as error:
        raise CommandError(f"{path} is cut off: copy it again", ExitCode.USAGE) from error


def open_text(path: Path, form: FileForm) -> TextIO:
    """Opens a text file. Bytes that are no characters come as lone surrogates, ends of lines as they are."""
    return _open_text(path, form.gzipped, form.encoding)


def _detect(path: Path, encoding: str) -> FileForm:
    with path.open("rb") as file:
        mark = file.read(len(PARQUET_MARK))
    if mark == PARQUET_MARK:
        return FileForm(Format.PARQUET)
    gzipped = mark.startswith(GZIP_MARK)
    encoding = _known_encoding(encoding) if encoding else encoding_of(_blocks(path, gzipped))
    with _open_text(path, gzipped, encoding) as text:
        lines = list(islice(iter(lambda: text.readline(LINE_CHARACTERS_LOOKED_AT), ""), LINES_LOOKED_AT))
    suffixes = [suffix.lower() for suffix in path.suffixes]
    json_lines = bool({".jsonl", ".ndjson", ".json"} & set(suffixes))
    begin = next((line.lstrip() for line in lines if line.strip()), "")
    if json_lines or begin.startswith('{"'):
        if begin.startswith("["):
            raise CommandError(f"{path} is a JSON array; write one object a line (JSON Lines)", ExitCode.USAGE)
        return FileForm(Format.JSON_LINES, gzipped, encoding)
    if not begin:
        raise CommandError(f"{path} is empty: a CSV has at least a line with its columns' names", ExitCode.USAGE)
    said = DELIMITER_LINE.fullmatch(lines[0])
    if said:
        return FileForm(Format.CSV, gzipped, encoding, said[1], lines_before_header=1)
    return FileForm(Format.CSV, gzipped, encoding, delimiter_of(lines))


def _known_encoding(encoding: str) -> str:
    try:
        name = codecs.lookup(encoding).name
    except LookupError:
        raise CommandError(
            f"there is no encoding {encoding!r}; usual ones are utf-8, cp1252, latin-1, utf-16", ExitCode.USAGE
        ) from None
    # A byte-order mark is no part of the first column's name.
    return "utf-8-sig" if name == "utf-8" else name


def _blocks(path: Path, gzipped: bool) -> Iterator[bytes]:
    with _open_bytes(path, gzipped) as file:
        while block := file.read(BLOCK_BYTES):
            yield block


def _open_bytes(path: Path, gzipped: bool) -> IO[bytes] | gzip.GzipFile:
    return gzip.open(path) if gzipped else path.open("rb")


def _open_text(path: Path, gzipped: bool, encoding: str) -> TextIO:
    if gzipped:
        return gzip.open(path, "rt", encoding=encoding, errors="surrogateescape", newline="")
    return path.open(encoding=encoding, errors="surrogateescape", newline="")
