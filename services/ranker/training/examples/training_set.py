"""The training set on the disk: examples by cut, as Parquet files, so that a later run makes the new ones only."""

import hashlib
import json
import shutil
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import pyarrow as pa
import structlog
from numpy.typing import NDArray

from services.common.atomic_files import remove_atomically
from services.common.signing_key import load_signing_key
from services.common.visitors import keyed_digest
from services.features.definitions import user_state
from services.ranker.inputs import candidate_features
from services.ranker.inputs.candidate_features import FEATURE_NAMES
from services.ranker.inputs.item_columns import ItemColumns
from services.ranker.training.examples.cut_files import VISITS, CutFiles
from services.ranker.training.examples.examples import Examples, empty_inputs
from services.ranker.training.examples.next_visit import ACTIONS
from services.ranker.training.plan import TrainingPlan
from services.ranker.training.settings import TrainingSettings

_MAKERS: Final = (
    "examples/candidate_draw.py",
    "examples/example_builder.py",
    "examples/example_tables.py",
    "examples/examples.py",
    "examples/next_visit.py",
    "shop/catalog.py",
    "shop/event_table.py",
    "shop/replay.py",
)
"""The modules of the training that determine an example's content, besides those of the features."""

_log = structlog.get_logger(__name__)


TRAINING: Final = "training"
VALIDATION: Final = "validation"


def training_set_folder(state_directory: Path) -> Path:
    """Returns the folder of a shop's examples."""
    return state_directory / "training" / "examples"


class KeptExamples(Protocol):
    """Stores examples by cut, so that they needn't be made again."""

    def cuts(self) -> list[int]:
        """Returns the cuts with examples, ascending."""

    def read(self, cut_millis: int) -> Examples | None:
        """Returns a cut's examples; None if there are none, or none that can be used."""

    def write(self, cut_millis: int, examples: Examples, visitors: Collection[str]) -> None:
        """Keeps a cut's examples; `visitors` are the keys of their users, in their order. Raises OSError."""


class NothingKept:
    """For runs that make all examples and store none."""

    def cuts(self) -> list[int]:
        """Has none."""
        return []

    def read(self, cut_millis: int) -> Examples | None:
        """Has none."""
        return None

    def write(self, cut_millis: int, examples: Examples, visitors: Collection[str]) -> None:
        """Keeps nothing."""


class TrainingSet:
    """`<folder>/<kind>-<key>/<cut>/visits.parquet` and `candidates.parquet`; the cut in milliseconds since 1970.

    The kind is `training` or `validation`. The key separates examples of other features, sizes, windows, or code.
    Users are identified by a digest with the shop's secret; the files contain no ids.
    """

    def __init__(self, folder: Path, secret: bytes) -> None:
        self._folder = folder
        self._secret = secret

    def part(self, kind: str, plan: TrainingPlan, window_millis: int, items: ItemColumns) -> "TrainingSetPart":
        """Returns the stored examples of one kind for this plan, with labels from windows of this length."""
        folder = self._folder / f"{kind}-{_key(kind, plan, window_millis)}"
        return TrainingSetPart(folder, self._secret, plan, items)

    def forget(self, visitors: Collection[str]) -> int:
        """Removes the examples of visitors with these keys; returns how many. Raises OSError."""
        return self._keep(visitors, others=True)

    def keep_only(self, visitors: Collection[str]) -> int:
        """Removes the examples of all but these visitors; returns how many. Raises OSError."""
        return self._keep(visitors, others=False)

    def count(self, visitors: Collection[str]) -> int:
        """Returns the number of examples of visitors with these keys."""
        digests = digests_of(visitors, self._secret)
        return sum(int(np.isin(cut.user_digests(), digests).sum()) for cut in self._cuts())

    def prune(self, needed: Mapping[Path, Collection[int]]) -> None:
        """Removes all but the needed cuts, by the parts' folders, and half-written files of killed runs."""
        for cut in self._cuts():
            if int(cut.folder.name) not in needed.get(cut.folder.parent, ()):
                remove_atomically(cut.folder)
        for folder in [*self._folder.glob("*/.draft-*"), *self._folder.glob("*")]:
            if folder not in needed:
                shutil.rmtree(folder)

    def _keep(self, visitors: Collection[str], *, others: bool) -> int:
        digests, gone = digests_of(visitors, self._secret), 0
        for cut in self._cuts():
            kept = np.isin(cut.user_digests(), digests, invert=others)
            if not kept.all():
                cut.keep(kept)
                gone += int(np.count_nonzero(~kept))
        return gone

    def _cuts(self) -> Iterator[CutFiles]:
        for path in sorted(self._folder.glob(f"*/[0-9]*/{VISITS}")):
            yield CutFiles(path.parent)


class TrainingSetPart:
    """The examples of all cuts that were made in one way (KeptExamples)."""

    def __init__(self, folder: Path, secret: bytes, plan: TrainingPlan, items: ItemColumns) -> None:
        self.folder = folder
        self._secret = secret
        self._length = plan.model.history_length
        self._items = items

    def cuts(self) -> list[int]:
        """Returns the cuts with examples, ascending."""
        return sorted(int(path.parent.name) for path in self.folder.glob(f"[0-9]*/{VISITS}"))

    def read(self, cut_millis: int) -> Examples | None:
        """Returns a cut's examples; None: there are none, or none of this catalog that can be read."""
        files = CutFiles(self.folder / str(cut_millis))
        if not files.exists():
            return None
        try:
            return files.read(empty_inputs(0, 0, self._length), self._items)
        except (OSError, ValueError, KeyError, pa.ArrowException) as error:
            _log.warning("examples_not_taken", cut=cut_millis, error=str(error))
            return None

    def write(self, cut_millis: int, examples: Examples, visitors: Collection[str]) -> None:
        """Keeps a cut's examples. Raises OSError."""
        digests = digests_of(visitors, self._secret)
        CutFiles(self.folder / str(cut_millis)).write(cut_millis, examples, digests, self._items)


def stored_training_set(state_directory: Path) -> TrainingSet | None:
    """Returns the training set of a shop's folder; None: there is none."""
    settings = TrainingSettings(state_directory=state_directory)
    folder = training_set_folder(state_directory)
    return TrainingSet(folder, load_signing_key(settings)) if folder.is_dir() else None


def digests_of(visitors: Collection[str], secret: bytes) -> NDArray[np.uint64]:
    """Returns what visitors are known by in the files."""
    return np.fromiter((keyed_digest(key, secret) for key in visitors), np.uint64, len(visitors))


def _key(kind: str, plan: TrainingPlan, window_millis: int) -> str:
    described: list[Any] = [window_millis, plan.model.history_length, plan.seed, FEATURE_NAMES, ACTIONS]
    if kind == TRAINING:
        described += [asdict(plan.draw), plan.examples_per_cut]
    else:
        described += [plan.draw.popular_pool, plan.validation_per_cut, plan.validation_slots, plan.validation_popular]
    digest = hashlib.sha256(json.dumps(described).encode())
    for root in (Path(candidate_features.__file__).parent, Path(user_state.__file__).parent):
        for path in sorted(root.rglob("*.py")):
            digest.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    for name in _MAKERS:
        digest.update(name.encode() + (Path(__file__).parent.parent / name).read_bytes())
    return digest.hexdigest()[:16]
