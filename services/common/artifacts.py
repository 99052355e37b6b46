"""Versioned artifacts in a directory: neighbors, indexes, models, reports. The CURRENT one is always complete."""

import contextlib
import hashlib
import json
import re
import secrets
import shutil
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from services.common.atomic_files import remove_atomically, sync, sync_tree, write_atomically
from services.common.errors import FailedPreconditionError, NotFoundError
from services.common.timestamps import to_millis

MANIFEST: Final = "manifest.json"
CURRENT: Final = "CURRENT"
_ABANDONED_SECONDS: Final = 86_400
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True)
class Artifact:
    """One published version. `files` maps each file's path in `path` to its size in bytes and its SHA-256."""

    name: str
    version: str
    path: Path
    created_millis: int
    metadata: Mapping[str, Any]
    files: Mapping[str, tuple[int, str]]


class ArtifactStore:
    """Artifacts in `root`/<name>/<version>/, with a manifest.json each; `root`/<name>/CURRENT names the live one."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def publish(
        self,
        name: str,
        write: Callable[[Path], None],
        metadata: Mapping[str, Any],
        created: datetime,
        *,
        make_current: bool = True,
    ) -> Artifact:
        """Publishes what `write` puts into the empty folder that it's given, atomically.

        `metadata` (JSON) describes what it was made from and how much is in it. Versions are numbers that grow with the
        time `created`, even if two are published in the same millisecond. After a crash at any point, the previous
        version is still current.
        """
        folder = self._folder(name)
        folder.mkdir(parents=True, exist_ok=True)
        draft = folder / f".draft-{secrets.token_hex(8)}"
        draft.mkdir()
        try:
            write(draft)
            files = {path.relative_to(draft).as_posix(): _fingerprint(path) for path in _files(draft)}
            manifest = {
                "name": name,
                "created_millis": to_millis(created),
                "metadata": dict(metadata),
                "files": {file: {"bytes": size, "sha256": digest} for file, (size, digest) in files.items()},
            }
            (draft / MANIFEST).write_text(json.dumps(manifest, indent=2, sort_keys=True, allow_nan=False))
            sync_tree(draft)
            version = self._place(folder, draft, to_millis(created))
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        if make_current:
            self.set_current(name, version)
        return self.get(name, version)

    def current(self, name: str) -> Artifact | None:
        """Returns the current version, or None if nothing is published."""
        try:
            version = (self._folder(name) / CURRENT).read_text().strip()
        except FileNotFoundError:
            return None
        return self.get(name, version)

    def set_current(self, name: str, version: str) -> None:
        """Makes `version` current, for releases and rollbacks. Raises NotFoundError if it doesn't exist."""
        self.get(name, version)
        folder = self._folder(name)
        write_atomically(folder / CURRENT, version.encode())

    def versions(self, name: str) -> list[str]:
        """Returns the published versions, oldest first."""
        try:
            entries = list(self._folder(name).iterdir())
        except FileNotFoundError:
            return []
        return sorted((e.name for e in entries if e.name.isdigit() and (e / MANIFEST).is_file()), key=int)

    def get(self, name: str, version: str) -> Artifact:
        """Returns a version; raises NotFoundError if it doesn't exist, FailedPreconditionError if it's broken."""
        path = self._folder(name) / version
        try:
            manifest = json.loads((path / MANIFEST).read_bytes())
            return Artifact(
                name=name,
                version=version,
                path=path,
                created_millis=int(manifest["created_millis"]),
                metadata=manifest["metadata"],
                files={file: (int(f["bytes"]), str(f["sha256"])) for file, f in manifest["files"].items()},
            )
        except (FileNotFoundError, NotADirectoryError):
            known = ", ".join(self.versions(name)) or "none"
            raise NotFoundError(
                f"there is no version {version} of {name}; available: {known}", reason="ARTIFACT_NOT_FOUND"
            ) from None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise _broken(name, version, f"{MANIFEST} can't be read ({type(error).__name__})") from error

    def verify(self, artifact: Artifact) -> None:
        """Reads every file; raises FailedPreconditionError if one is missing, changed or unexpected."""
        present = {path.relative_to(artifact.path).as_posix() for path in _files(artifact.path)} - {MANIFEST}
        for file in sorted(present ^ artifact.files.keys()):
            what = "isn't in the manifest" if file in present else "is missing"
            raise _broken(artifact.name, artifact.version, f"{file} {what}")
        for file, expected in artifact.files.items():
            if _fingerprint(artifact.path / file) != expected:
                raise _broken(artifact.name, artifact.version, f"{file} was changed after it was published")

    def prune(self, name: str, keep: int, spare: Collection[str] = ()) -> list[str]:
        """Removes all but the `keep` newest versions (at least 1), the current one and those to `spare`; returns the
        removed versions. Drafts of killed processes are removed too, a day later.
        """
        current = self.current(name)
        spared = {*spare, current.version if current else ""}
        removed = [version for version in self.versions(name)[: -max(1, keep)] if version not in spared]
        for version in removed:
            remove_atomically(self._folder(name) / version)
        self._sweep(self._folder(name))
        return removed

    @staticmethod
    def _sweep(folder: Path) -> None:
        """Removes drafts last written at least a day before the newest version: their writers are gone."""
        with contextlib.suppress(FileNotFoundError):  # others publish and prune too; the next call will do it
            written = [entry.stat().st_mtime for entry in folder.glob("[0-9]*")]
            for draft in folder.glob(".draft-*"):
                if written and draft.stat().st_mtime < max(written) - _ABANDONED_SECONDS:
                    shutil.rmtree(draft, ignore_errors=True)

    def _folder(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} isn't an artifact name; use a to z, 0 to 9, _ and -")
        return self._root / name

    def _place(self, folder: Path, draft: Path, created_millis: int) -> str:
        """Moves the draft to the first free version at or after `created_millis` that is newer than all others."""
        newest = max((int(entry.name) for entry in folder.iterdir() if entry.name.isdigit()), default=0)
        version = max(created_millis, newest + 1, 1)
        while True:
            try:
                draft.rename(folder / str(version))
            except OSError:  # another process took it in the meantime
                if not (folder / str(version)).exists():
                    raise
                version += 1
            else:
                sync(folder)
                return str(version)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _fingerprint(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        return path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()


def _broken(name: str, version: str, what: str) -> FailedPreconditionError:
    return FailedPreconditionError(
        f"version {version} of {name} is broken: {what}; publish it again, or make an earlier version current",
        reason="ARTIFACT_BROKEN",
    )
