import fcntl
import gzip
import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self

from cli.errors import CommandError, ExitCode
from cli.importer.from_elasticsearch.position import Position, SlicePosition

COPY: Final = ".jsonl.gz"
POSITION: Final = ".position.json"


class IndexCopy:
    """The documents of an index as compressed JSON Lines on this machine, each with its id as `_id`. It grows by pages;
    one that was cut short, by whatever death of the process, goes on where it ended.

    Args:
        folder: where it lies.
        index: the index, alias or pattern.
        of: what else tells it from other copies: the cluster, what its rows are.
    """

    def __init__(self, folder: Path, index: str, of: Sequence[str]) -> None:
        digest = hashlib.blake2b(json.dumps([index, *of]).encode(), digest_size=4).hexdigest()
        name = re.sub(r"[^A-Za-z0-9._-]", "_", index).lstrip(".")[:80]
        self.index = index
        self.path = folder / f"{name}-{digest}{COPY}"
        self._position_path = folder / f"{name}-{digest}{POSITION}"
        self._position = Position({}, [])
        self._file: IO[bytes] | None = None

    @property
    def rows(self) -> int:
        """Documents that it has."""
        return self._position.rows

    def __enter__(self) -> Self:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("ab")
        try:
            # The lock goes with the process, however that ends.
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            raise CommandError(f"{self.index} is being imported already: wait for it", ExitCode.FAILED) from error
        self._position = Position.read(self._position_path) or self._position
        return self

    def begin(self, indexes: Mapping[str, str], slices: int) -> None:
        """Makes it ready for pages: what was cut short is cut off, and what is of other indexes is given up.

        Args:
            indexes: the identity of each index by its name.
            slices: how many slices they are read in.
        """
        position, size = self._position, os.fstat(self._open.fileno()).st_size
        if position.indexes != indexes or len(position.slices) != slices or position.size > size:
            self._position = Position(dict(indexes), [SlicePosition() for _ in range(slices)])
            # Before the first page: a copy that was cut short is known by its position.
            self._position.write(self._position_path)
        self._open.truncate(self._position.size)

    def position(self, of_slice: int) -> SlicePosition:
        """How far a slice is."""
        return self._position.slices[of_slice]

    def append(self, of_slice: int, hits: Sequence[Mapping[str, Any]]) -> int:
        """Adds a page of a slice, lastingly; one page at a time.

        Returns:
            How many of its documents were new.
        """
        old, before = self._position, self._position.slices[of_slice]
        new = [hit for hit in hits if not before.has(hit)]
        page = gzip.compress(b"".join(map(_line, new)), compresslevel=1)
        self._open.write(page)
        self._open.flush()
        os.fsync(self._open.fileno())
        slices = [*old.slices]
        slices[of_slice] = before.after(new)
        self._position = Position(old.indexes, slices, old.rows + len(new), old.size + len(page))
        self._position.write(self._position_path)
        return len(new)

    def finish(self, *, keep: bool) -> None:
        """Its rows are where they should be: the next import copies the index anew.

        Args:
            keep: leave the rows here until then: somebody may want to look them up.
        """
        self._position_path.unlink(missing_ok=True)
        if not keep:
            self.path.unlink(missing_ok=True)

    @property
    def _open(self) -> IO[bytes]:
        if self._file is None:
            raise ValueError("a copy is written to inside its `with`")
        return self._file

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()


def _line(hit: Mapping[str, Any]) -> bytes:
    # Half a character stays the escape that it was: the reader says what is wrong with its row.
    row = json.dumps({**hit["_source"], "_id": hit["_id"]}, ensure_ascii=False, separators=(",", ":"))
    return row.encode(errors="backslashreplace") + b"\n"
