import os
import secrets
import shutil
from pathlib import Path


def write_atomically(path: Path, data: bytes) -> None:
    """Writes a file that others see whole, as it was or as it is now, whatever dies meanwhile. Its folder is made.

    Raises OSError if it cannot be written; then nothing is left aside.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        aside.write_bytes(data)
        sync(aside)
        aside.replace(path)
    except OSError:
        aside.unlink(missing_ok=True)
        raise
    sync(path.parent)


def sync(path: Path) -> None:
    """Returns when a file or a folder is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(folder: Path) -> None:
    """Returns when a folder and everything in it is on the disk."""
    for path in [*folder.rglob("*"), folder]:
        sync(path)


def remove_atomically(folder: Path) -> None:
    """Removes a folder that others read. It goes out of sight first: they find all of it or nothing."""
    grave = folder.with_name(f".draft-{secrets.token_hex(8)}")
    folder.rename(grave)
    shutil.rmtree(grave)
