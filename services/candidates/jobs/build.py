"""The job that computes from catalog and log what sources look up."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from services.candidates.artifacts.quality_floor import KEPT_BACK, QUALITY, shortfall
from services.candidates.catalog.item_columns import item_digest
from services.candidates.jobs.compute import Made, compute
from services.candidates.jobs.events import Events
from services.candidates.jobs.interactions import Interactions
from services.candidates.jobs.read_log import ReadLog
from services.candidates.jobs.reading import CatalogNumbers, LogReader, read_events, read_groups
from services.candidates.settings import CandidatesSettings
from services.common.artifacts import Artifact, ArtifactStore
from services.common.channels import open_channel
from services.common.clock import Clock
from services.common.progress import NoProgress, Progress
from services.common.signing_key import load_signing_key
from services.common.single_pass_reader import CatalogConsumer, LogConsumer, stream_catalog, stream_log

_KEPT_VERSIONS: Final = 5


@dataclass(frozen=True, slots=True)
class Built:
    """What a build brought: the published artifacts by name, and those that were made and refused, with the reason.

    What there was too little data for is in neither.
    """

    artifacts: Mapping[str, Artifact] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Returns it as plain JSON values."""
        artifacts = {name: {"version": one.version, **one.metadata} for name, one in self.artifacts.items()}
        return {"artifacts": artifacts, "refused": dict(self.refused)}


class CandidatesBuild:
    """A build in three steps: `begin`, what is read is given to the two takers, `publish`. Another job that reads the
    same may so have a part in one pass.

    Reading that was broken off lately goes on: of a log that is read from its beginning the known events are passed
    over.
    """

    def __init__(
        self, settings: CandidatesSettings, store: ArtifactStore, clock: Clock, progress: Progress | None = None
    ) -> None:
        self._settings = settings
        self._store = store
        self._clock = clock
        self._progress = progress or NoProgress()
        self._catalog = CatalogNumbers()
        secret = load_signing_key(settings)
        self.log = ReadLog(Interactions(self._catalog.item_nos, settings.jobs.by_type(), secret))
        self.take_catalog: CatalogConsumer = self._catalog.take
        self.take_log: LogConsumer = LogReader(self.log, self._save, settings.jobs.saved_every).take

    async def begin(self) -> None:
        """Takes over what was read before a run was broken off."""
        await asyncio.to_thread(self.log.restore, self._store, self._clock, finished=False)

    async def publish(self) -> Built:
        """Computes all tables from what was read and publishes them as current, or keeps back what is worse."""
        log, settings = self.log, self._settings
        await _look_up(log, settings, self._progress)
        digests = {item_no: item_digest(item_id) for item_id, item_no in self._catalog.item_nos.items()}
        events = known_events(log, digests)
        made = compute(events, log.groups, digests, settings, self._progress)
        common = {
            "catalog_version": self._catalog.version,
            "interactions": len(events),
            "newest_millis": events.newest_millis,
        }
        built = await asyncio.to_thread(_publish, made, common, settings, self._store, self._clock)
        log.as_of_millis = events.newest_millis
        await asyncio.to_thread(log.save, self._store, self._clock)
        return built

    async def _save(self) -> None:
        await _look_up(self.log, self._settings, self._progress)
        await asyncio.to_thread(self.log.save, self._store, self._clock)


async def build_candidates(
    settings: CandidatesSettings, store: ArtifactStore, clock: Clock, progress: Progress | None = None
) -> Built:
    """Reads the catalog and the log to their ends, computes all tables and publishes them as current.

    The same log and catalog give the same tables. One whose quality on the log's last hours is below the former
    version's floor is published but not made current. Raises grpc.aio.AioRpcError where a service cannot be reached.
    """
    progress = progress or NoProgress()
    build = CandidatesBuild(settings, store, clock, progress)
    await build.begin()
    async with open_channel(settings.features_address) as features, open_channel(settings.events_address) as events:
        await stream_catalog(features, [build.take_catalog], progress)
        await stream_log(events, [build.take_log], progress, build.log.offsets)
    return await build.publish()


async def read_on(
    log: ReadLog, settings: CandidatesSettings, store: ArtifactStore, clock: Clock, progress: Progress
) -> None:
    """Reads the log to its end, and the groups of the users in it; saves where it stands now and then."""

    async def save() -> None:
        await _look_up(log, settings, progress)
        await asyncio.to_thread(log.save, store, clock)

    await read_events(settings.events_address, log, progress, save, settings.jobs.saved_every)
    await _look_up(log, settings, progress)


def known_events(log: ReadLog, digests: Mapping[int, int]) -> Events:
    """Returns the events of items that are in the catalog: some may have gone since their events were read."""
    events = log.interactions.events()
    known = np.isin(events.items, np.fromiter(digests, np.uint32, len(digests)))
    return events if known.all() else events.where(known)


async def _look_up(log: ReadLog, settings: CandidatesSettings, progress: Progress) -> None:
    new = log.interactions.take_new_users()
    log.groups |= await read_groups(settings.features_address, new, settings.tastes.group_attributes, progress)


def _publish(
    made: Iterator[Made], common: Mapping[str, Any], settings: CandidatesSettings, store: ArtifactStore, clock: Clock
) -> Built:
    artifacts: dict[str, Artifact] = {}
    refused: dict[str, str] = {}
    described = {
        name: getattr(settings, name).model_dump(mode="json")
        for name in ("jobs", "neighbors", "next_items", "bought_together", "tastes")
    }
    for one in made:
        former = store.current(one.name)
        reason = shortfall(one.quality, former, settings.jobs.quality_floor)
        metadata = {**common, **one.counts, QUALITY: one.quality, "settings": described}
        if reason:
            metadata[KEPT_BACK] = reason
        artifact = store.publish(one.name, one.save, metadata, clock.now(), make_current=not reason)
        if reason:
            refused[one.name] = f"version {artifact.version} is not made current: {reason}"
        else:
            artifacts[one.name] = artifact
        store.prune(one.name, _KEPT_VERSIONS)
    return Built(artifacts, refused)
