"""What is costly to make is made once for all test processes and runs, and again if the code that makes it changed."""

import fcntl
import hashlib
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
CACHE: Final = ROOT / "build" / "made_once"
DONE: Final = "done"


def made_once(name: str, sources: Sequence[Path], make: Callable[[Path], None], cache: Path = CACHE) -> Path:
    """Returns the folder that `make` filled, perhaps in an earlier run. Don't write to it: copy it.

    Args:
        name: what it is; one version of it is kept.
        sources: files, and folders of Python files, that what is made depends on, beside the locked packages.
        make: fills an empty folder.
        cache: where such folders are.
    """
    cache.mkdir(parents=True, exist_ok=True)
    folder = cache / f"{name}-{_digest(sources)}"
    with (cache / f".{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / DONE).exists():
            for former in cache.glob(f"{name}-*"):
                shutil.rmtree(former)
            folder.mkdir()
            make(folder)
            (folder / DONE).touch()
    return folder


def _digest(sources: Sequence[Path]) -> str:
    digest = hashlib.sha256(sys.version.encode())
    for source in (ROOT / "uv.lock", *sources):
        for path in sorted(source.rglob("*.py")) if source.is_dir() else [source]:
            digest.update(str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path.name).encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
