"""Encodes a visitor, or items, as the behavior model's vectors."""

import asyncio
from dataclasses import dataclass
from time import monotonic
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.common.errors import UnavailableError
from services.ranker.behavior_model_client import BehaviorModelClient
from services.ranker.inputs.item_columns import ItemColumns
from services.ranker.inputs.tensors import encode_item_inputs, encode_user_inputs, padded_size
from services.ranker.inputs.user_columns import UserColumns
from services.ranker.model_contract import ENCODE_ITEM, ENCODE_USER, ITEM_VECTOR, USER_VECTOR, ModelContract
from services.ranker.model_fault import MISFIT, NOT_FINITE, ModelFault
from services.ranker.prediction_client import Arrays
from services.ranker.texts.text_vectors import TextVectors


class UserEncoder:
    """Calls the model's signature `encode_user`."""

    def __init__(self, model: BehaviorModelClient, items: ItemColumns) -> None:
        self._model = model
        self._items = items

    async def encode(
        self, user: UserColumns, query_millis: int, model: str, seconds: float
    ) -> tuple[NDArray[np.float32], str]:
        """Returns the vector, float32[d], and the model's version; empty for a visitor without history.

        Raises UnavailableError with the fault's reason: a vector has no fallback.
        """
        if not ((user.event_item_nos > 0) & (user.event_millis <= query_millis)).any():
            return np.zeros(0, np.float32), ""

        def inputs(contract: ModelContract) -> Arrays:
            return encode_user_inputs(user, self._items, query_millis, contract.history_length)

        try:
            answer = await self._model.ask(model, ENCODE_USER, inputs, seconds)
            vector = answer.outputs.get(USER_VECTOR)
            if vector is None or vector.ndim != 2 or vector.shape[0] != 1:
                raise ModelFault(MISFIT, f"{ENCODE_USER} didn't return one vector")
            if not np.isfinite(vector).all():
                raise ModelFault(NOT_FINITE, "the vector isn't finite")
        except ModelFault as fault:
            raise UnavailableError(f"{fault.message}; go on without the vector", reason=fault.reason) from fault
        return vector[0], answer.version


_NOBODY: Final = 0


@dataclass(frozen=True, slots=True)
class EncodedItems:
    """Vectors float32[n, d] of `item_nos` uint32[n], by a version of the model."""

    item_nos: NDArray[np.uint32]
    vectors: NDArray[np.float32]
    model_version: str = ""


class ItemEncoder:
    """Calls the model's signature `encode_item`."""

    def __init__(self, model: BehaviorModelClient, items: ItemColumns, texts: TextVectors | None = None) -> None:
        self._model = model
        self._items = items
        self._texts = texts

    async def encode(self, item_nos: NDArray[np.uint32], model: str, seconds: float) -> EncodedItems:
        """Returns the vectors of those items that the catalog has, in the order given; if they're finite.

        Raises UnavailableError with the fault's reason: a vector has no fallback. Texts that
        aren't encoded yet are encoded first.
        """
        ends = monotonic() + seconds
        await self._encode_texts(item_nos, seconds)
        item_nos = item_nos[self._items.known[self._items.rows(item_nos)]]
        if not len(item_nos):
            return EncodedItems(item_nos, np.zeros((0, 0), np.float32))
        # Padded to few sizes, as with candidates; number 0 is no item.
        padded = np.full(padded_size(len(item_nos)), _NOBODY, np.uint32)
        padded[: len(item_nos)] = item_nos

        def inputs(contract: ModelContract) -> Arrays:
            return encode_item_inputs(self._items, padded)

        try:
            answer = await self._model.ask(model, ENCODE_ITEM, inputs, ends - monotonic())
            vectors = answer.outputs.get(ITEM_VECTOR)
            if vectors is None or vectors.ndim != 2 or len(vectors) != len(padded):
                raise ModelFault(MISFIT, f"{ENCODE_ITEM} didn't return one vector for each item")
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
                "the texts of these items aren't all encoded yet; ask again later", reason="TEXTS_WAITING"
            ) from None
