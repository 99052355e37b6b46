import json
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from cli.privacy.marks import Marks, Trace

_GZIP: Final = 31  # for zlib: a gzip header, and its largest window
_CHUNK_BYTES: Final = 65_536


def gzip_lines(path: Path) -> Iterator[str]:
    """Yields the lines of a gzip file; of one that was cut short or spoiled, as far as it can be unpacked."""
    line, unpacker = b"", zlib.decompressobj(_GZIP)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            while chunk:
                try:
                    line += unpacker.decompress(chunk)
                except zlib.error:
                    yield line.decode(errors="replace")
                    return
                chunk = unpacker.unused_data
                if unpacker.eof:  # a file may be several, one after the other
                    unpacker = zlib.decompressobj(_GZIP)
                *lines, line = line.split(b"\n")
                yield from (whole.decode(errors="replace") for whole in lines)
    yield line.decode(errors="replace")


LINES: Final = frozenset({".log", ".jsonl", ".txt", ".html", ".md"})
TABLES: Final = {".csv": ",", ".tsv": "\t"}
ARRAYS: Final = frozenset({".npy", ".npz"})
CHUNK_BYTES: Final = 16 * 1024 * 1024


def search_files(folder: Path, marks: Marks) -> Iterator[Trace]:
    """Yields the files below a folder that hold something of a visitor: each is read as what it is."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and (count := count_in(path, marks)):
            yield Trace(str(path), count)


def count_in(path: Path, marks: Marks) -> int:
    """Returns how often a file names the visitor; 1 where it can only be looked at as bytes."""
    kind = path.suffix
    if kind == ".parquet":
        return _in_frame(pd.read_parquet(path), marks)
    if kind in TABLES:
        return _in_frame(pd.read_csv(path, sep=TABLES[kind], dtype=str, on_bad_lines="skip"), marks)
    if kind in ARRAYS:
        return _in_arrays(path, marks)
    if kind == ".json":
        return int(marks.within(_json(path)))
    if kind == ".gz":
        return _in_lines(gzip_lines(path), marks)
    if kind in LINES:
        with path.open(errors="replace") as lines:
            return _in_lines(lines, marks)
    return int(_in_bytes(path, marks))


def _in_frame(frame: pd.DataFrame, marks: Marks) -> int:
    texts = frame.select_dtypes(["object", "string", "category"])
    return sum(marks.within(_plain(value), str(name)) for name in texts.columns for value in texts[name])


def _plain(value: object) -> object:
    """Returns a cell as JSON has it: lists come from Parquet as arrays. Numbers mean nobody."""
    if isinstance(value, np.ndarray):
        return value.tolist() if value.dtype.kind in "OUS" else None
    return value


def _in_arrays(path: Path, marks: Marks) -> int:
    loaded = np.load(path, allow_pickle=False)
    arrays = {path.stem: loaded} if isinstance(loaded, np.ndarray) else {name: loaded[name] for name in loaded.files}
    count = 0
    for name, array in arrays.items():
        words = sorted(marks.words(name))
        if array.dtype.kind == "U":
            count += int(np.isin(array, words).sum())
        elif array.dtype.kind == "S":
            count += int(np.isin(array, [word.encode() for word in words]).sum())
    return count


def _json(path: Path) -> object:
    try:
        value: object = json.loads(path.read_text("utf-8"))
    except ValueError:
        return path.read_text("utf-8", errors="replace")
    return value


def _in_lines(lines: Iterable[str], marks: Marks) -> int:
    return sum(marks.on_line(line) for line in lines)


def _in_bytes(path: Path, marks: Marks) -> bool:
    """Looks through a file of any size; what stands across the border of two chunks is seen."""
    overlap = b""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            if marks.in_bytes(overlap + chunk):
                return True
            overlap = chunk[-max(len(marks.message), len(marks.digest)) :]
    return False
