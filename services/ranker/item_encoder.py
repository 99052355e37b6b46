"""Encodes items as the behavior model's vectors."""

import asyncio
from dataclasses import dataclass
from time import monotonic
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.common.errors import UnavailableError
from services.ranker.behavior_model_client import BehaviorModelClient
from services.ranker.inputs.item_columns import ItemColumns
from services.ranker.inputs.tensors import encode_item_inputs, padded_size
from services.ranker.model_contract import ENCODE_ITEM, ITEM_VECTOR, ModelContract
from services.ranker.model_fault import MISFIT, ModelFault
from services.ranker.prediction_client import Arrays
from services.ranker.texts.text_vectors import TextVectors

_NOBODY: Final = 0


@dataclass(frozen=True, slots=True)
class EncodedItems:
    """Vectors float32[n, d] of `item_nos` uint32[n], by a version of the model."""

    item_nos: NDArray[np.uint32]
    vectors: NDArray[np.float32]
    model_version: str = ""


class ItemEncoder:
    """Asks the model's signature `encode_item`."""

    def __init__(self, model: BehaviorModelClient, items: ItemColumns, texts: TextVectors | None = None) -> None:
        self._model = model
        self._items = items
        self._texts = texts

    async def encode(self, item_nos: NDArray[np.uint32], model: str, seconds: float) -> EncodedItems:
        """Returns the vectors of those items that the catalog has, in the order given; of them those that are finite.

        Raises UnavailableError with the fault's reason: there is no second best for a vector. So their texts are
        encoded first where they wait.
        """
        ends = monotonic() + seconds
        await self._encode_texts(item_nos, seconds)
        item_nos = item_nos[self._items.known[self._items.rows(item_nos)]]
        if not len(item_nos):
            return EncodedItems(item_nos, np.zeros((0, 0), np.float32))
        # The server sees few sizes, as with candidates; number 0 is no item.
        padded = np.full(padded_size(len(item_nos)), _NOBODY, np.uint32)
        padded[: len(item_nos)] = item_nos

        def inputs(contract: ModelContract) -> Arrays:
            return encode_item_inputs(self._items, padded)

        try:
            answer = await self._model.ask(model, ENCODE_ITEM, inputs, ends - monotonic())
            vectors = answer.outputs.get(ITEM_VECTOR)
            if vectors is None or vectors.ndim != 2 or len(vectors) != len(padded):
                raise ModelFault(MISFIT, f"{ENCODE_ITEM} did not answer one vector for each item")
        except ModelFault as fault:
            raise UnavailableError(f"{fault.message}; ask again later", reason=fault.reason) from fault
        vectors = vectors[: len(item_nos)].astype(np.float32, copy=False)
        finite = np.isfinite(vectors).all(axis=1)
        return EncodedItems(item_nos[finite], vectors[finite], answer.version)

    async def _encode_texts(self, item_nos: NDArray[np.uint32], seconds: float) -> None:
        if not self._texts:
            return
        try:
            await asyncio.wait_for(self._texts.encode(item_nos.tolist()), seconds)
        except TimeoutError:
            raise UnavailableError(
                "the texts of these items are not all encoded yet; ask again later", reason="TEXTS_WAITING"
            ) from None
