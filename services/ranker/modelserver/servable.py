"""What the server serves: one version of one model, loaded."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

Tensors = Mapping[str, NDArray[Any]]


class LoadedModel(Protocol):
    """A model in memory. All of it is called from worker threads."""

    @property
    def meta_graph(self) -> Any:
        """Its MetaGraphDef; `signature_def` says what it can be asked."""
        ...

    def run(self, signature_name: str, inputs: Tensors) -> dict[str, NDArray[Any]]:
        """Answers all outputs of a signature. Raises the VitrineError that stands for the model's own error."""
        ...

    def close(self) -> None:
        """Gives the memory back."""
        ...


LoadModel = Callable[[Path], LoadedModel]
"""Loads and warms up the model in a version's directory; raises where it cannot."""


class Servable:
    """A loaded model with its name and version; its users are counted, so that it is unloaded under nobody's feet."""

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
        """Waits until nobody uses it."""
        await self._idle.wait()
