import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

import structlog

from services.candidates.artifacts.refusal import ArtifactRefusedError
from services.candidates.artifacts.slot import Slot
from services.candidates.catalog.item_columns import ItemColumns
from services.common.artifacts import Artifact, ArtifactStore
from services.common.errors import VitrineError

Loaded = TypeVar("Loaded")


class ArtifactWatcher(Generic[Loaded]):
    """Loads the current version of an artefact when it changes: beside the old one, checked, then swapped in.

    A version that is refused is reported and not tried again; the loaded one stays. One that was made from a later
    state of the catalogue than has been read yet waits for it.
    """

    def __init__(
        self, store: ArtifactStore, slot: Slot[Loaded], columns: ItemColumns, load: Callable[[Artifact], Loaded]
    ) -> None:
        self._store = store
        self._slot = slot
        self._columns = columns
        self._load = load
        self._waiting = ""
        self._log = structlog.get_logger("vitrine.candidates")

    async def look(self) -> None:
        """Loads what is current, if it is neither loaded nor refused."""
        try:
            artifact = await asyncio.to_thread(self._store.current, self._slot.name)
        except VitrineError as error:
            self._slot.refuse("CURRENT", error.message)
            return
        if artifact is None or artifact.version == self._slot.version:
            return
        if artifact.version in self._slot.refused and artifact.version != self._waiting:
            return
        made_of = artifact.metadata.get("catalog_version", 0)
        if isinstance(made_of, int) and made_of > self._columns.version:
            self._waiting = artifact.version
            self._slot.refuse(
                artifact.version, f"made from catalogue version {made_of}, read so far is {self._columns.version}"
            )
            return
        self._waiting = ""
        try:
            loaded = await asyncio.to_thread(self._check_and_load, artifact)
        except (ArtifactRefusedError, VitrineError) as error:
            self._slot.refuse(artifact.version, str(error))
            self._log.error("artefact refused", artifact=artifact.name, version=artifact.version, reason=str(error))
        else:
            self._slot.put(artifact.version, loaded)
            self._log.info("artefact loaded", artifact=artifact.name, version=artifact.version)

    def _check_and_load(self, artifact: Artifact) -> Loaded:
        self._store.verify(artifact)
        return self._load(artifact)
