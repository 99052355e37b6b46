import os
import secrets
import shutil
from pathlib import Path


def write_atomically(path: Path, data: bytes) -> None:
    """Replaces a file atomically: readers see the old or the new content, even after a crash. Creates its folder.

    Raises OSError if it can't be written; then no temporary file is left.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        temporary.write_bytes(data)
        sync(temporary)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    sync(path.parent)


def sync(path: Path) -> None:
    """Flushes a file or folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(folder: Path) -> None:
    """Flushes a folder and everything in it to the disk."""
    for path in [*folder.rglob("*"), folder]:
        sync(path)


def remove_atomically(folder: Path) -> None:
    """Removes a folder that others read. It's renamed first: they find all of it or nothing."""
    trash = folder.with_name(f".draft-{secrets.token_hex(8)}")
    folder.rename(trash)
    shutil.rmtree(trash)
