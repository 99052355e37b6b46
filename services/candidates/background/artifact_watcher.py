import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from typing import Generic, TypeVar

import structlog

from services.candidates.artifacts.checked_arrays import ArtifactRefusedError
from services.candidates.artifacts.loaded_artifact import LoadedArtifact
from services.candidates.artifacts.quality_floor import KEPT_BACK, QUALITY, shortfall
from services.candidates.catalog.item_columns import ItemColumns
from services.common.artifacts import Artifact, ArtifactStore
from services.common.errors import VitrineError

Loaded = TypeVar("Loaded")
Given = TypeVar("Given")
Result = TypeVar("Result")


class ArtifactWatcher(Generic[Loaded]):
    """Loads the current version of an artifact when it changes: beside the old one, checked, then swapped in.

    A version that is refused is reported and not tried again; the loaded one stays. One that was made from a later
    state of the catalog than has been read yet waits for it. One that the job kept back is reported, too.

    A newer version has to reach `quality_floor` of the loaded one's quality. An older one is a way back, and one that
    was kept back and is current nevertheless is somebody's decision: of these no quality is asked.

    Reading and hashing takes minutes for large artifacts: it's done in `threads`, which no request waits for.
    """

    def __init__(
        self,
        store: ArtifactStore,
        target: LoadedArtifact[Loaded],
        columns: ItemColumns,
        threads: Executor,
        load: Callable[[Artifact], Loaded],
        *,
        quality_floor: float = 0.0,
    ) -> None:
        self._store = store
        self._target = target
        self._columns = columns
        self._threads = threads
        self._load = load
        self._quality_floor = quality_floor
        self._loaded: Artifact | None = None
        self._waiting = ""
        self._log = structlog.get_logger("vitrine.candidates")

    async def look(self) -> None:
        """Loads what is current, if it is neither loaded nor refused."""
        try:
            artifact = await self._run(self._store.current, self._target.name)
        except VitrineError as error:
            self._target.refuse("CURRENT", error.message)
            return
        self._target.refused.pop("CURRENT", None)
        await self._swap(artifact)
        if kept := await self._run(self._kept_back, artifact):
            self._target.keep_back(kept.version, str(kept.metadata[KEPT_BACK]))

    async def _swap(self, artifact: Artifact | None) -> None:
        if artifact is None or artifact.version == self._target.version:
            return
        if artifact.version in self._target.refused and artifact.version != self._waiting:
            return
        made_of = artifact.metadata.get("catalog_version", 0)
        if isinstance(made_of, int) and made_of > self._columns.version:
            self._waiting = artifact.version
            self._target.refuse(
                artifact.version, f"made from catalog version {made_of}, read so far is {self._columns.version}"
            )
            return
        self._waiting = ""
        try:
            loaded = await self._run(self._check_and_load, artifact)
        except (ArtifactRefusedError, VitrineError) as error:
            self._target.refuse(artifact.version, str(error))
            self._log.error("artifact refused", artifact=artifact.name, version=artifact.version, reason=str(error))
        else:
            self._target.put(artifact.version, loaded)
            self._loaded = artifact
            self._log.info("artifact loaded", artifact=artifact.name, version=artifact.version)

    def _run(self, work: Callable[[Given], Result], given: Given) -> Awaitable[Result]:
        return asyncio.get_running_loop().run_in_executor(self._threads, work, given)

    def _check_and_load(self, artifact: Artifact) -> Loaded:
        self._store.verify(artifact)
        loaded = self._loaded
        newer = loaded is not None and int(artifact.version) > int(loaded.version)
        if newer and not artifact.metadata.get(KEPT_BACK):
            reason = shortfall(artifact.metadata.get(QUALITY), loaded, self._quality_floor)
            if reason:
                raise ArtifactRefusedError(reason)
        return self._load(artifact)

    def _kept_back(self, current: Artifact | None) -> Artifact | None:
        """Returns the newest version where the job kept it back and nothing newer is current."""
        for version in self._store.versions(self._target.name)[-1:]:
            if current is not None and int(version) <= int(current.version):
                break
            with contextlib.suppress(VitrineError):  # removed meanwhile, or broken and not current: no matter
                newest = self._store.get(self._target.name, version)
                return newest if newest.metadata.get(KEPT_BACK) else None
        return None
