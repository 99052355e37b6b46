"""Checks that a model was trained with this catalog: the same number is another item in another catalog."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.ranker.inputs.item_columns import ItemColumns
from services.ranker.model_fault import MISFIT, ModelFault
from services.ranker.prediction_client import Metadata, PredictionClient

SIGNATURE: Final = "known_items"
"""Takes `places` (int32[n]); returns `item_nos` and `item_marks` (int64[n]) of the items at these places."""

SAMPLE: Final = 256
ASK_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class KnownItems:
    """Some of the items that a model was trained with: numbers and marks of their ids, int64[n], n at most SAMPLE."""

    item_nos: NDArray[np.int64]
    marks: NDArray[np.int64]

    @classmethod
    def of(cls, items: ItemColumns) -> "KnownItems":
        """Samples items evenly across the catalog."""
        known = items.known_item_nos().astype(np.int64)
        chosen = (
            known[np.unique(np.linspace(0, max(len(known) - 1, 0), SAMPLE).astype(np.int64))] if len(known) else known
        )
        return cls(chosen, items.id_marks[chosen])


class KnownItemsCheck:
    """Compares a version's items with the columns, until some known to both agree. That holds for good: a catalog never
    reuses a number.
    """

    def __init__(self, client: PredictionClient, items: ItemColumns) -> None:
        self._client = client
        self._items = items
        self._fitting: set[int] = set()

    async def __call__(self, metadata: Metadata) -> None:
        """Raises ModelFault (MODEL_MISFIT) if numbers mean other items. A check that can't run now is not a fault."""
        if SIGNATURE not in metadata.signatures or metadata.version in self._fitting:
            return
        places = {"places": np.arange(SAMPLE, dtype=np.int32)}
        try:
            answer = await self._client.predict(metadata.version, SIGNATURE, places, ASK_SECONDS)
        except ModelFault:
            return
        compared, differing = self._compare(answer)
        if differing:
            raise ModelFault(
                MISFIT,
                f"the model was trained with another catalog: {differing} of {compared} numbers mean other items; "
                "train it again, or serve the model of this shop",
            )
        if compared:
            self._fitting.add(metadata.version)

    def _compare(self, answer: dict[str, NDArray[Any]]) -> tuple[int, int]:
        item_nos, marks = answer.get("item_nos"), answer.get("item_marks")
        if (
            item_nos is None
            or marks is None
            or not item_nos.dtype == marks.dtype == np.int64
            or item_nos.shape != marks.shape
        ):
            raise ModelFault(
                MISFIT,
                f"signature {SIGNATURE} must return item_nos and item_marks, int64 of one shape; export it again",
            )
        if (item_nos < 0).any():
            raise ModelFault(MISFIT, f"signature {SIGNATURE} returns item numbers below 0; export the model again")
        rows = self._items.rows(item_nos)
        both = self._items.known[rows]
        return int(np.count_nonzero(both)), int(np.count_nonzero(both & (self._items.id_marks[rows] != marks)))
