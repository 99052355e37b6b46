"""Publishes a training's results where the services look for them. Half-written files are never visible."""

import json
import secrets
import shutil
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from services.common.artifacts import ArtifactStore
from services.common.atomic_files import remove_atomically, sync, sync_tree, write_atomically
from services.ranker import linear_weights
from services.ranker.model.config import MODEL_NAME
from services.ranker.training.item_vectors import ItemVectors
from services.ranker.training.publishing.model_registry import EMBEDDINGS, ModelRegistry

KEPT_VERSIONS: Final = 3

_ABANDONED: Final = timedelta(days=1)


def shared_fit_path(state_directory: Path) -> Path:
    """Path of the data that the chief hands to the workers of a fit."""
    return state_directory / "training" / "shared.npz"


class Publisher:
    """Writes below the state directory: models/behavior/<version>/, artifacts/ and training/<version>.json."""

    def __init__(self, state_directory: Path, now: datetime) -> None:
        self.registry = ModelRegistry(state_directory)
        self._models = state_directory / "models" / MODEL_NAME
        self._records = state_directory / "training"
        self._store = ArtifactStore(state_directory / "artifacts")
        self.shared_fit = shared_fit_path(state_directory)
        self.now = now

    def draft(self, write: Callable[[Path], None]) -> Path:
        """Has a model written into a folder that no server looks at; returns the folder."""
        self._models.mkdir(parents=True, exist_ok=True)
        self._sweep()
        folder = self._models / f".draft-{secrets.token_hex(8)}"
        folder.mkdir()
        try:
            write(folder)
        except BaseException:
            self.discard(folder)
            raise
        return folder

    def _sweep(self) -> None:
        """Removes drafts that were begun a day ago or more: who wrote them is gone."""
        for draft in self._models.glob(".draft-*"):
            if draft.stat().st_mtime < (self.now - _ABANDONED).timestamp():
                self.discard(draft)

    def discard(self, draft: Path) -> None:
        """Removes a draft."""
        shutil.rmtree(draft, ignore_errors=True)

    def next_version(self) -> int:
        """Returns the number of the version to come: the time in UTC as YYYYMMDDhhmmss, or one above the newest."""
        return max(int(self.now.strftime("%Y%m%d%H%M%S")), *(version + 1 for version in self.registry.numbers()), 1)

    def publish(self, draft: Path, version: int, vectors: ItemVectors) -> None:
        """Shows the draft to the model servers as the canary, with the vectors of all items beside it."""
        metadata = {
            "model_version": str(version),
            "items": len(vectors.item_nos),
            "width": vectors.vectors.shape[1],
        }
        self._store.publish(EMBEDDINGS, vectors.save, metadata, self.now, make_current=False)
        sync_tree(draft)
        draft.rename(self._models / str(version))
        sync(self._models)
        self.registry.try_out(version)
        self._prune()

    def _prune(self) -> None:
        """Removes the versions that are neither labeled nor among the newest, and item vectors of no version."""
        labeled, numbers = self.registry.labels().values(), self.registry.numbers()
        for version in numbers[:-KEPT_VERSIONS]:
            if version not in labeled:
                remove_atomically(self._models / str(version))
        needed = [self.registry.embeddings(version) for version in self.registry.numbers()]
        self._store.prune(EMBEDDINGS, 1, spare=[artifact for artifact in needed if artifact])

    def publish_linear(self, weights: Mapping[str, float], metadata: Mapping[str, Any]) -> None:
        """Publishes the linear scorer's weights."""
        text = json.dumps(weights, indent=2, allow_nan=False)

        def write(folder: Path) -> None:
            (folder / linear_weights.FILE).write_text(text)

        self._store.publish(linear_weights.ARTIFACT, write, dict(metadata), self.now)
        self._store.prune(linear_weights.ARTIFACT, KEPT_VERSIONS)

    @property
    def checkpoint(self) -> Path:
        """Path of the checkpoint of an unfinished fit."""
        return self._records / "checkpoint.npz"

    @property
    def unfinished(self) -> Path:
        """Path of the data of an unfinished fit."""
        return self._records / "unfinished.npz"

    def record(self, version: int, report: str) -> Path:
        """Keeps the run record (JSON), of failed runs too; returns its path."""
        path = self._records / f"{version}.json"
        write_atomically(path, report.encode())
        return path
