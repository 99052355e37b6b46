"""The versions of the behavior model: their records, their labels, promotion, and rollback."""

import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from google.protobuf import text_format

from services.common.artifacts import ArtifactStore
from services.common.atomic_files import write_atomically
from services.common.errors import FailedPreconditionError, NotFoundError
from services.ranker.model.config import MODEL_NAME
from services.ranker.tf_protos import model_server_config_pb2

FILE: Final = "models.config"
STABLE: Final = "stable"
"""The version that ranks every page."""

CANARY: Final = "canary"
"""A version on trial, for callers that ask for it, such as an experiment."""

PREVIOUS: Final = "previous"
"""The previous stable version; it stays loaded, so that a rollback takes no time."""


class ModelLabels:
    """The labels in `<models>/models.config`, a ModelServerConfig in text form: the single source of truth, read by the
    embedded model server and TensorFlow Serving (`--model_config_file`, `--model_config_file_poll_wait_seconds`).

    The file is the operator's too: other models in it, and the base path that the servers see, stay as they are.
    """

    def __init__(self, models: Path) -> None:
        self._models = models
        self._file = models / FILE

    def read(self) -> dict[str, int]:
        """Returns version by label; empty without a file. Raises FailedPreconditionError if the file isn't a config."""
        return dict(_entry(self._parsed()).version_labels)

    @contextmanager
    def changed(self) -> Iterator[dict[str, int]]:
        """Yields the labels to be changed in place, and writes them afterwards: one process at a time."""
        self._models.mkdir(parents=True, exist_ok=True)
        with (self._models / f".{FILE}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            config = self._parsed()
            entry = _entry(config)
            labels = dict(entry.version_labels)
            yield labels
            if labels != dict(entry.version_labels):
                self._write(config, labels)

    def _write(self, config: Any, labels: Mapping[str, int]) -> None:
        entry = _entry(config)
        entry.base_path = entry.base_path or str((self._models / MODEL_NAME).absolute())
        entry.model_platform = "tensorflow"
        entry.model_version_policy.specific.versions[:] = sorted(set(labels.values()))
        entry.version_labels.clear()
        entry.version_labels.update(labels)
        write_atomically(self._file, text_format.MessageToString(config).encode())

    def _parsed(self) -> Any:
        config = model_server_config_pb2.ModelServerConfig()
        try:
            return text_format.Parse(self._file.read_text(encoding="utf-8"), config)
        except FileNotFoundError:
            return config
        except (text_format.ParseError, ValueError) as error:
            raise FailedPreconditionError(
                f"{self._file} is not a ModelServerConfig ({error}); fix it, or remove it to serve the newest version",
                reason="LABELS_UNREADABLE",
            ) from error


def _entry(config: Any) -> Any:
    """Returns the behavior model's entry in a config; adds one if there is none."""
    models = config.model_config_list.config
    return next((model for model in models if model.name == MODEL_NAME), None) or models.add(name=MODEL_NAME)


EMBEDDINGS: Final = "embeddings"


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """One version: one on disk, or one that a training made and the gate refused."""

    number: int
    is_there: bool
    labels: tuple[str, ...] = ()
    record: dict[str, Any] = field(default_factory=dict)
    """The run record (TrainingReport) of the training; empty if there is none."""

    @property
    def refusals(self) -> list[str]:
        """Why it wasn't published: each failed check, with what was found and what was needed."""
        checks = self.record.get("checks", [])
        return [f"{one['name']}: {one['found']}, needed {one['needed']}" for one in checks if not one["passed"]]


class ModelRegistry:
    """Reads and moves labels below a state directory. Model servers follow when they next poll the file."""

    def __init__(self, state_directory: Path) -> None:
        models = state_directory / "models"
        self._folder = models / MODEL_NAME
        self._records = state_directory / "training"
        self._store = ArtifactStore(state_directory / "artifacts")
        self._labels = ModelLabels(models)

    def numbers(self) -> list[int]:
        """Returns the versions on disk, ascending."""
        if not self._folder.is_dir():
            return []
        return sorted(int(entry.name) for entry in self._folder.iterdir() if entry.name.isdigit())

    def labels(self) -> dict[str, int]:
        """Returns version by label. Before anything was ever labeled, the newest version is the stable one."""
        return self._labels.read() or _unlabeled(self.numbers())

    def stable(self) -> Path | None:
        """Returns the folder of the version that serves; None if there is none."""
        number = self.labels().get(STABLE)
        return None if number is None or number not in self.numbers() else self._folder / str(number)

    def embeddings(self, version: int) -> str:
        """Returns the artifact with the item vectors of a version; empty if there is none."""
        for artifact in reversed(self._store.versions(EMBEDDINGS)):
            if self._store.get(EMBEDDINGS, artifact).metadata.get("model_version") == str(version):
                return artifact
        return ""

    def versions(self) -> list[ModelVersion]:
        """Returns all known versions, newest first."""
        there, labels = self.numbers(), self.labels()
        recorded = {int(path.stem) for path in self._records.glob("*.json") if path.stem.isdigit()}
        return [
            ModelVersion(
                number,
                number in there,
                tuple(sorted(label for label, labeled in labels.items() if labeled == number)),
                self._record(number),
            )
            for number in sorted(recorded.union(there), reverse=True)
        ]

    def try_out(self, version: int) -> None:
        """Labels a version canary: it's loaded besides the stable one. Raises NotFoundError if it isn't on disk."""
        self._require(version)
        with self._labels.changed() as labels:
            labels.update(labels or _unlabeled([number for number in self.numbers() if number != version]))
            labels[CANARY] = version

    def promote(self, version: int) -> None:
        """Makes a version the stable one, with its item vectors. Raises NotFoundError if it isn't on disk."""
        self._require(version)
        with self._labels.changed() as labels:
            former = (labels or _unlabeled(self.numbers())).get(STABLE)
            if former is not None and former != version:
                labels[PREVIOUS] = former
            self._become_stable(labels, version)

    def rollback(self) -> tuple[int, int]:
        """Makes the previous version stable again; returns (the old stable version, the new one). The old one is
        unloaded. Raises FailedPreconditionError if there is no previous stable version.
        """
        with self._labels.changed() as labels:
            former, version = labels.get(STABLE), labels.pop(PREVIOUS, None)
            if former is None or version is None or version not in self.numbers():
                there = ", ".join(map(str, self.numbers())) or "none"
                raise FailedPreconditionError(
                    f"no version was stable before the present one; there are: {there}. Choose one: "
                    "`vitrine models promote VERSION`",
                    reason="NOTHING_TO_ROLL_BACK_TO",
                )
            self._become_stable(labels, version)
        return former, version

    def _become_stable(self, labels: dict[str, int], version: int) -> None:
        # Servers reject all labels if one names a deleted version; and one label per version is enough.
        there = self.numbers()
        for label, labeled in list(labels.items()):
            if labeled == version or labeled not in there:
                del labels[label]
        labels[STABLE] = version
        if artifact := self.embeddings(version):
            self._store.set_current(EMBEDDINGS, artifact)

    def _require(self, version: int) -> None:
        if version not in (numbers := self.numbers()):
            raise NotFoundError(
                f"there is no version {version} of the behavior model; there are: "
                f"{', '.join(map(str, numbers)) or 'none'}",
                reason="VERSION_NOT_FOUND",
            )

    def _record(self, number: int) -> dict[str, Any]:
        try:
            record = json.loads((self._records / f"{number}.json").read_bytes())
        except (OSError, ValueError):  # no record, or a broken one
            return {}
        return record if isinstance(record, dict) else {}


def _unlabeled(numbers: list[int]) -> dict[str, int]:
    """Returns the labels of a shop that never labeled anything: the newest version serves."""
    return {STABLE: numbers[-1]} if numbers else {}
