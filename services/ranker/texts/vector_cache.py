import hashlib
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Final

import numpy as np
import structlog
from numpy.typing import NDArray

from services.common.clock import Clock

KEPT: Final = timedelta(days=30)

_SCHEMA: Final = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB NOT NULL, used_day INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS vectors_by_use ON vectors (used_day);
"""
_FIND: Final = "SELECT vector, used_day FROM vectors WHERE key = ? AND used_day >= ?"
_WAIT_SECONDS: Final = 5.0

_log = structlog.get_logger(__name__)


class VectorCache:
    """Vectors of texts on the disk, for all processes of a state directory: a text is encoded once.

    The key is a hash of the text and of the encoder's name and version. What nobody asked for in 30 days goes. A file
    that cannot be used costs time and no answer: all is missing in it then, and a broken one begins anew.
    """

    def __init__(self, path: Path, encoder: str, clock: Clock) -> None:
        """`encoder` names encoder and version."""
        self._path = path
        self._encoder = encoder.encode()
        self._clock = clock
        self._cleaned_day = 0

    def find(self, texts: Sequence[str]) -> dict[str, NDArray[np.float16]]:
        """Returns the vectors of those texts that have one."""
        found: dict[str, NDArray[np.float16]] = {}
        used: list[bytes] = []
        day = self._day()

        def look_up(database: sqlite3.Connection) -> None:
            for text in texts:
                key = self._key(text)
                row = database.execute(_FIND, (key, day - KEPT.days)).fetchone()
                if row is None:
                    continue
                found[text] = np.frombuffer(row[0], np.float16)
                if row[1] < day:
                    used.append(key)

        self._try(look_up)
        if used or self._cleaned_day != day:
            self._note_use(used, day)
        return found

    def keep(self, vectors: Mapping[str, NDArray[np.float16]]) -> None:
        """Writes the vectors of texts, all or none."""
        day = self._day()
        rows = [(self._key(text), vector.tobytes(), day) for text, vector in vectors.items()]
        self._try(lambda database: database.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", rows))

    def _note_use(self, used: Sequence[bytes], day: int) -> None:
        """Notes what was asked for, and once a day lets go what was not. Who reads waits for nobody who writes: where
        somebody does, it is done when it is asked for again.
        """
        try:
            with closing(sqlite3.connect(self._path, timeout=0)) as database, database:
                database.executemany("UPDATE vectors SET used_day = ? WHERE key = ?", [(day, key) for key in used])
                database.execute("DELETE FROM vectors WHERE used_day < ?", (day - KEPT.days,))
                self._cleaned_day = day
        except sqlite3.DatabaseError:
            return

    def _try(self, work: Callable[[sqlite3.Connection], object]) -> None:
        """Does it in one transaction, where the file lets it."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._path, timeout=_WAIT_SECONDS)) as database:
                database.executescript(_SCHEMA)
                with database:
                    work(database)
        except (OSError, sqlite3.OperationalError) as error:
            _log.warning("text_vectors_not_cached", error=str(error))
        except sqlite3.DatabaseError as error:
            _log.warning("text_vectors_begin_anew", error=str(error))
            for suffix in ("", "-wal", "-shm"):
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)

    def _day(self) -> int:
        return int(self._clock.now().timestamp() // 86_400)

    def _key(self, text: str) -> bytes:
        return hashlib.blake2b(self._encoder + b"\0" + text.encode(), digest_size=16).digest()
