"""A model's versions on disk, and which of them to serve."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

Fingerprint = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """Which versions to serve: the `latest` greatest ones, all, or the `specific` ones that exist."""

    latest: int = 1
    all: bool = False
    specific: frozenset[int] = frozenset()

    def choose(self, versions: Mapping[int, Path]) -> dict[int, Path]:
        """Returns the versions to serve, in ascending order."""
        numbers = sorted(versions)
        if self.specific:
            numbers = [number for number in numbers if number in self.specific]
        elif not self.all:
            numbers = numbers[-self.latest :]
        return {number: versions[number] for number in numbers}


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """A model to serve: its versions are the numbered directories in `base_path`; labels name versions."""

    name: str
    base_path: Path
    policy: Policy = Policy()
    labels: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))


def scan(base_path: Path) -> dict[int, Path]:
    """Returns the version directories: those whose names are decimal numbers. All others, such as drafts, are ignored.

    Raises OSError if `base_path` can't be read.
    """
    return {
        int(entry.name): entry
        for entry in base_path.iterdir()
        if entry.name.isascii() and entry.name.isdigit() and int(entry.name) < 1 << 63 and entry.is_dir()
    }


def fingerprint(path: Path) -> Fingerprint:
    """Returns names, sizes, and modification times, which change when a file in the directory does."""
    found = []
    for file in sorted(path.rglob("*")):
        try:
            status = file.stat()
        except OSError:  # deleted since it was listed
            continue
        found.append((str(file), status.st_size, status.st_mtime_ns))
    return tuple(found)
