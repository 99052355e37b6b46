import asyncio
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from services.common.direction import VectorFault, direction
from services.common.progress import Progress
from services.ranker.inputs.item_columns import ItemColumns
from services.ranker.texts.vector_cache import VectorCache

AT_ONCE: Final = 256
"""Texts that are looked up and encoded together: about a second of two cores."""


class TextEncoder(Protocol):
    """Makes vectors of texts: alike ones of texts that mean alike things."""

    name: str
    """One of ENCODER_WIDTHS in services/ranker/inputs/text_encoders.py."""

    version: str
    """Changes whenever the same text has another vector."""

    width: int

    def encode(self, texts: Sequence[str]) -> NDArray[Any]:
        """Returns float32[len(texts), width]. It takes the processor's time: call it off the event loop."""
        ...


class TextVectors:
    """Gives the items whose text waits in the columns its vector: from the cache, or by the encoder.

    Until then such an item's vector is missing, and all else of it counts.
    """

    def __init__(self, encoder: TextEncoder, cache: VectorCache, items: ItemColumns) -> None:
        self._encoder = encoder
        self._cache = cache
        self._items = items
        self._turn = asyncio.Lock()
        # One thread of its own: a caller that gives up doesn't stop its batch, and the next must not run beside it.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="texts")

    def close(self) -> None:
        """Drops what hasn't begun; doesn't wait for what has."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def encode_all(self, progress: Progress) -> None:
        """Encodes all that wait; for jobs, which do nothing else meanwhile."""
        waiting = self._items.waiting_texts
        with progress.task("encoding texts", len(waiting)) as task:
            while waiting:
                batch = self._batch(waiting)
                self._set(batch, self._vectors(set(batch.values())))
                task.advance(len(batch))

    async def follow(self) -> None:
        """Encodes all that wait beside the event loop; returns when none does."""
        while self._items.waiting_texts:
            await self._encode(self._items.waiting_texts)

    async def encode(self, item_nos: Iterable[int]) -> None:
        """Encodes those of these items that wait, before others."""
        waiting = self._items.waiting_texts
        wanted = [item_no for item_no in item_nos if item_no in waiting]
        while wanted := [item_no for item_no in wanted if item_no in waiting]:
            await self._encode(wanted)

    async def _encode(self, item_nos: Iterable[int]) -> None:
        async with self._turn:
            if batch := self._batch(item_nos):
                loop = asyncio.get_running_loop()
                self._set(batch, await loop.run_in_executor(self._thread, self._vectors, set(batch.values())))

    def _batch(self, item_nos: Iterable[int]) -> dict[int, str]:
        waiting = self._items.waiting_texts
        return {item_no: waiting[item_no] for item_no in islice(item_nos, AT_ONCE) if item_no in waiting}

    def _vectors(self, texts: set[str]) -> Mapping[str, NDArray[np.float16]]:
        found = self._cache.find(sorted(texts))
        if missing := sorted(texts - found.keys()):
            made = {
                text: _direction(vector) for text, vector in zip(missing, self._encoder.encode(missing), strict=True)
            }
            self._cache.keep(made)
            found |= made
        return found

    def _set(self, batch: Mapping[int, str], vectors: Mapping[str, NDArray[np.float16]]) -> None:
        for item_no, text in batch.items():
            self._items.set_text_vector(item_no, text, vectors[text])


def _direction(vector: NDArray[np.float32]) -> NDArray[np.float16]:
    """Returns the vector as the columns have vectors; one that has no direction is missing."""
    made = direction(vector)
    return np.zeros(len(vector), np.float16) if isinstance(made, VectorFault) else made
