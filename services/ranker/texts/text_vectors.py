"""Gives items the vectors of their texts, by an encoder and its cache."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from services.common.clock import Clock
from services.common.direction import VectorFault, direction
from services.common.progress import Progress
from services.ranker.inputs.item_columns import ItemColumns
from services.ranker.inputs.named_vectors import MINILM
from services.ranker.texts.vector_cache import VectorCache

AT_ONCE: Final = 256
"""Texts that are looked up and encoded together: about a second on two cores."""


class TextEncoder(Protocol):
    """Encodes texts as vectors: similar ones for texts of similar meaning."""

    name: str
    """One of ENCODER_WIDTHS in services/ranker/inputs/named_vectors.py."""

    version: str
    """Changes whenever the same text gets another vector."""

    width: int

    def encode(self, texts: Sequence[str]) -> NDArray[Any]:
        """Returns float32[len(texts), width]. It's CPU-bound: call it off the event loop."""
        ...


class TextVectors:
    """Sets the vectors of items whose text waits in the columns: from the cache, or by the encoder.

    Until then such an item's text vector is missing.
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
        """Encodes all that wait, blocking; for jobs."""
        waiting = self._items.waiting_texts
        with progress.task("encoding texts", len(waiting)) as task:
            while waiting:
                batch = self._batch(waiting)
                self._set(batch, self._vectors(set(batch.values())))
                task.advance(len(batch))

    async def follow(self) -> None:
        """Encodes all that wait, off the event loop; returns when none are left."""
        while self._items.waiting_texts:
            await self._encode(self._items.waiting_texts)

    async def encode(self, item_nos: Iterable[int]) -> None:
        """Encodes the texts of these items first, if they wait."""
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
    """Returns the vector in the columns' format; one without a direction is missing."""
    made = direction(vector)
    return np.zeros(len(vector), np.float16) if isinstance(made, VectorFault) else made


_CACHE: Final = Path("texts") / "vectors.sqlite"


def open_encoder(name: str) -> TextEncoder:
    """Returns the encoder of this name. Raises FailedPreconditionError (TEXT_ENCODER_NOT_INSTALLED)."""
    from services.ranker.texts.minilm_encoder import MiniLmEncoder  # its imports need an extra

    return {MINILM: MiniLmEncoder}[name]()


def open_texts(state_directory: Path, items: ItemColumns, clock: Clock) -> TextVectors | None:
    """Returns the encoding of these columns' texts, with its cache below the state directory; None if no encoder is
    configured. Errors are those of `open_encoder`.
    """
    name = items.named_vectors.encoder
    if not name:
        return None
    encoder = open_encoder(name)
    cache = VectorCache(state_directory / _CACHE, f"{encoder.name} {encoder.version}", clock)
    return TextVectors(encoder, cache, items)
