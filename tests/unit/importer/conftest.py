import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.importer.chunk import Chunk
from cli.importer.read import Source

Reader = Callable[..., list[Chunk]]


@pytest.fixture
def read(tmp_path: Path) -> Reader:
    """Writes a file and reads it."""

    def write_and_read(
        content: str | bytes, name: str = "file.csv", *, rows_per_chunk: int = 1_000, encoding: str = ""
    ) -> list[Chunk]:
        path = tmp_path / name
        data = content.encode() if isinstance(content, str) else content
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return list(Source.of(path, encoding).chunks(rows_per_chunk))

    return write_and_read
