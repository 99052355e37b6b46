import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

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
