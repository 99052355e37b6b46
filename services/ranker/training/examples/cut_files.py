import json
import secrets
import shutil
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from services.common.atomic_files import remove_atomically, sync_tree
from services.ranker.inputs.item_columns import ItemColumns
from services.ranker.inputs.tensors import Tensors
from services.ranker.training.examples.example_tables import candidate_table, examples_of, visit_table
from services.ranker.training.examples.examples import Examples

VISITS: Final = "visits.parquet"
CANDIDATES: Final = "candidates.parquet"

# Without dictionaries: most columns are floats that hardly repeat, and trying takes twice as long.
_COMPRESSION: Final[dict[str, Any]] = {"compression": "zstd", "compression_level": 1, "use_dictionary": False}
_CATALOG: Final = b"catalog"
_MARKS: Final = 64
"""Items of a cut by which another catalog is known."""


class CutFiles:
    """One cut's examples: a folder with two files, which others see whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def exists(self) -> bool:
        """Returns whether there are examples."""
        return (self.folder / VISITS).is_file()

    def user_digests(self) -> NDArray[np.uint64]:
        """Returns the digest of each example's user."""
        return np.asarray(pq.read_table(self.folder / VISITS, columns=["user_digest"])["user_digest"].combine_chunks())

    def read(self, like: Tensors, items: ItemColumns) -> Examples:
        """Returns the examples. Raises OSError, ValueError, KeyError, or ArrowException if they can't be read, have
        other inputs than `like`, or were made with another catalog than `items`.
        """
        visits, candidates = (pq.read_table(self.folder / name) for name in (VISITS, CANDIDATES))
        for item_no, mark in json.loads(visits.schema.metadata[_CATALOG]):
            row = int(items.rows(np.array([item_no]))[0])
            if items.id_marks[row] != mark:
                raise ValueError(f"item {item_no} was another one")
        return examples_of(visits, candidates, like)

    def write(self, cut_millis: int, examples: Examples, user_digests: NDArray[np.uint64], items: ItemColumns) -> None:
        """Writes the examples, replacing the previous ones. Raises OSError; then the previous ones stay."""
        visits = visit_table(examples, user_digests, cut_millis)
        marks = {**visits.schema.metadata, _CATALOG: json.dumps(_catalog_marks(examples, items)).encode()}
        self._write(visits.replace_schema_metadata(marks), candidate_table(examples))

    def keep(self, kept: NDArray[np.bool_]) -> None:
        """Rewrites the files with some of the examples; removes them if none are left."""
        if not kept.any():
            remove_atomically(self.folder)
            return
        visits, candidates = (pq.read_table(self.folder / name) for name in (VISITS, CANDIDATES))
        new_numbers = np.cumsum(kept) - 1
        of = np.asarray(candidates["example"].combine_chunks())
        self._write(
            _renumbered(visits.filter(pa.array(kept)), np.arange(int(kept.sum()))),
            _renumbered(candidates.filter(pa.array(kept[of])), new_numbers[of[kept[of]]]),
        )

    def _write(self, visits: pa.Table, candidates: pa.Table) -> None:
        draft = self.folder.with_name(f".draft-{secrets.token_hex(8)}")
        draft.mkdir(parents=True)
        try:
            pq.write_table(visits, draft / VISITS, **_COMPRESSION)
            pq.write_table(candidates, draft / CANDIDATES, **_COMPRESSION)
            sync_tree(draft)
            if self.folder.exists():
                remove_atomically(self.folder)
            draft.rename(self.folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)


def _catalog_marks(examples: Examples, items: ItemColumns) -> list[tuple[int, int]]:
    item_nos = np.unique(examples.inputs["candidate_item_nos"])
    item_nos = item_nos[item_nos > 0]
    chosen = item_nos[:: max(1, len(item_nos) // _MARKS)]
    return list(zip(chosen.tolist(), items.id_marks[items.rows(chosen)].tolist(), strict=True))


def _renumbered(table: pa.Table, numbers: NDArray[Any]) -> pa.Table:
    place = table.schema.get_field_index("example")
    return table.set_column(place, "example", pa.array(numbers.astype(np.int32)))
