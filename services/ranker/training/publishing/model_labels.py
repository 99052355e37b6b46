"""Which versions of the behavior model serve, and under which names."""

import fcntl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from google.protobuf import text_format

from services.common.atomic_files import write_atomically
from services.common.errors import FailedPreconditionError
from services.ranker.model.config import MODEL_NAME
from services.ranker.tf_protos import model_server_config_pb2

FILE: Final = "models.config"
STABLE: Final = "stable"
"""What every page is ranked with."""

CANARY: Final = "canary"
"""What is tried: by whoever asks for it, an experiment say."""

PREVIOUS: Final = "previous"
"""What was stable before; it stays loaded, so that the way back takes no time."""


class ModelLabels:
    """The labels in `<models>/models.config`, a ModelServerConfig in text form: the one truth, which the embedded model
    server and TensorFlow Serving (`--model_config_file`, `--model_config_file_poll_wait_seconds`) read alike.

    The file is the operator's too: other models in it, and the base path that the servers see, stay as they are.
    """

    def __init__(self, models: Path) -> None:
        self._models = models
        self._file = models / FILE

    def read(self) -> dict[str, int]:
        """Returns version by label; nothing where no file is. Raises FailedPreconditionError where it is no config."""
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
                f"{self._file} is no ModelServerConfig ({error}); mend or remove it: the newest version serves then",
                reason="LABELS_UNREADABLE",
            ) from error


def _entry(config: Any) -> Any:
    """Returns the behavior model's part of a config; it is made where there is none."""
    models = config.model_config_list.config
    return next((model for model in models if model.name == MODEL_NAME), None) or models.add(name=MODEL_NAME)
