"""One loaded version of one model."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

Tensors = Mapping[str, NDArray[Any]]


class LoadedModel(Protocol):
    """A model in memory. All methods are called from worker threads."""

    @property
    def meta_graph(self) -> Any:
        """Its MetaGraphDef; `signature_def` has its signatures."""
        ...

    def run(self, signature_name: str, inputs: Tensors) -> dict[str, NDArray[Any]]:
        """Returns all outputs of a signature. Raises the VitrineError that corresponds to the model's error."""
        ...

    def close(self) -> None:
        """Frees the memory."""
        ...


LoadModel = Callable[[Path], LoadedModel]
"""Loads and warms up the model in a version's directory; raises if it can't."""


class Servable:
    """A loaded model with its name and version; its users are counted, so that it isn't unloaded while in use."""

    def __init__(self, name: str, version: int, model: LoadedModel) -> None:
        self.name = name
        self.version = version
        self.model = model
        self._users = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def signatures(self) -> Mapping[str, Any]:
        """The SignatureDefs by name."""
        signatures: Mapping[str, Any] = self.model.meta_graph.signature_def
        return signatures

    @contextmanager
    def in_use(self) -> Iterator["Servable"]:
        """Keeps the model loaded inside the block. On the event loop only."""
        self._users += 1
        self._idle.clear()
        try:
            yield self
        finally:
            self._users -= 1
            if self._users == 0:
                self._idle.set()

    async def unused(self) -> None:
        """Waits until it isn't in use."""
        await self._idle.wait()
