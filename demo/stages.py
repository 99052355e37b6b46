import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from services.common.atomic_files import write_atomically


class Stages:
    """What a demo has done already, so that the next run goes on from there. A stage is done for a fingerprint of
    what it was made from; with another fingerprint it is to be done again.

    Args:
        file: where that is kept.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def done(self, stage: str, fingerprint: str) -> bool:
        """Whether the stage was done from that."""
        return self._read().get(stage) == fingerprint

    def mark(self, stage: str, fingerprint: str) -> None:
        """Keeps in mind that the stage is done, for good once this returns."""
        write_atomically(self._file, json.dumps({**self._read(), stage: fingerprint}, indent=2).encode())

    def _read(self) -> dict[str, str]:
        try:
            stages = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return stages if isinstance(stages, dict) else {}


def fingerprint_of(*parts: str, files: Sequence[Path] = ()) -> str:
    """A short digest of texts and of files' contents."""
    digest = hashlib.blake2b(digest_size=8)
    for part in (*(text.encode() for text in parts), *(file.read_bytes() for file in files)):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()
