"""The job that computes from catalogue and log what sources look up."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.candidates.artifacts.group_tastes import Group, GroupTastes
from services.candidates.artifacts.neighbors import Neighbors
from services.candidates.artifacts.quality_floor import KEPT_BACK, QUALITY, shortfall
from services.candidates.artifacts.repeats import Repeats
from services.candidates.artifacts.user_ratings import UserRatings
from services.candidates.catalog.item_columns import item_digest
from services.candidates.jobs.baskets import companions
from services.candidates.jobs.events import Events
from services.candidates.jobs.followers import followers
from services.candidates.jobs.groups import group_tastes
from services.candidates.jobs.interactions import Interactions
from services.candidates.jobs.nearest import nearest_items
from services.candidates.jobs.quality import recall
from services.candidates.jobs.ratings import implicit_ratings
from services.candidates.jobs.read_log import ReadLog
from services.candidates.jobs.reading import read_catalog, read_events, read_groups
from services.candidates.jobs.repeats import repeats
from services.candidates.jobs.rows import Rows
from services.candidates.jobs.tables import neighbors_of, user_ratings_of
from services.candidates.lookup import distinct
from services.candidates.settings import CandidatesSettings
from services.common.artifacts import Artifact, ArtifactStore
from services.common.clock import Clock
from services.common.progress import NoProgress, Progress
from services.common.signing_key import load_signing_key

_MILLIS_PER_HOUR: Final = 3_600_000
_KEPT_VERSIONS: Final = 5


@dataclass(frozen=True, slots=True)
class Built:
    """What a build brought: the published artefacts by name, and those that were made and refused, with the reason.

    What there was too little data for is in neither.
    """

    artifacts: Mapping[str, Artifact] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Returns it as plain JSON values."""
        artifacts = {name: {"version": one.version, **one.metadata} for name, one in self.artifacts.items()}
        return {"artifacts": artifacts, "refused": dict(self.refused)}


@dataclass(frozen=True, slots=True)
class Made:
    """One artefact before it is published."""

    name: str
    save: Callable[[Path], None]
    counts: Mapping[str, Any]
    quality: float | None = None


async def build_candidates(
    settings: CandidatesSettings, store: ArtifactStore, clock: Clock, progress: Progress | None = None
) -> Built:
    """Reads the catalogue and the log to their ends, computes all tables and publishes them as current.

    The same log and catalogue give the same tables. One whose quality on the log's last hours is below the former
    version's floor is published but not made current. Raises grpc.aio.AioRpcError where a service cannot be reached.
    """
    progress = progress or NoProgress()
    item_nos, catalog_version = await read_catalog(settings.features_address, progress)
    log = ReadLog(Interactions(item_nos, settings.jobs.by_type(), load_signing_key(settings)))
    await asyncio.to_thread(log.restore, store, clock, finished=False)
    await read_on(log, settings, store, clock, progress)
    digests = {item_no: item_digest(item_id) for item_id, item_no in item_nos.items()}
    events = known_events(log, digests)
    made = await asyncio.to_thread(compute, events, log.groups, digests, settings, progress)
    common = {"catalog_version": catalog_version, "interactions": len(events), "newest_millis": events.newest_millis}
    built = await asyncio.to_thread(_publish, made, common, settings, store, clock)
    log.as_of_millis = events.newest_millis
    await asyncio.to_thread(log.save, store, clock)
    return built


async def read_on(
    log: ReadLog, settings: CandidatesSettings, store: ArtifactStore, clock: Clock, progress: Progress
) -> None:
    """Reads the log to its end, and the groups of the users in it; saves where it stands now and then."""

    async def look_up() -> None:
        new = log.interactions.take_new_users()
        log.groups |= await read_groups(settings.features_address, new, settings.tastes.group_attributes, progress)

    async def save() -> None:
        await look_up()
        await asyncio.to_thread(log.save, store, clock)

    await read_events(settings.events_address, log, progress, save, settings.jobs.saved_every)
    await look_up()


def known_events(log: ReadLog, digests: Mapping[int, int]) -> Events:
    """Returns the events of items that are in the catalogue: some may have gone since their events were read."""
    events = log.interactions.events()
    return events.where(np.isin(events.items, np.fromiter(digests, np.uint32, len(digests))))


def compute(
    events: Events,
    groups: Mapping[int, Sequence[Group]],
    digests: Mapping[int, int],
    settings: CandidatesSettings,
    progress: Progress,
) -> list[Made]:
    """Computes all artefacts that there is enough data for."""
    made: list[Made] = []
    qualities = _qualities(events, settings, progress)
    for name, (rows, item_nos) in item_tables(events, settings, progress).items():
        table = neighbors_of(rows, item_nos, digests)
        if table is not None:
            counts = {"items": len(table.item_nos), "pairs": len(table.neighbors)}
            made.append(Made(name, table.save, counts, qualities.get(name)))
    tastes = settings.tastes
    ratings = implicit_ratings(
        events,
        settings.neighbors.half_life_days,
        items_per_user=tastes.items_per_user,
        minimum_users=settings.minimum_users,
    )
    users = user_ratings_of(ratings, tastes, digests)
    if users is not None:
        counts = {"users": len(users.starts) - 1, "items": len(users.item_nos), "ratings": len(users.ratings)}
        made.append(Made(UserRatings.ARTIFACT, users.save, counts))
    grouped = group_tastes(ratings, groups, tastes, digests, minimum_users=settings.minimum_users)
    if grouped is not None:
        counts = {"groups": len(grouped.groups), "items": len(grouped.items)}
        made.append(Made(GroupTastes.ARTIFACT, grouped.save, counts))
    again = repeats(events, digests)
    if again is not None:
        made.append(Made(Repeats.ARTIFACT, again.save, {"items": len(again.item_nos)}))
    return made


def item_tables(
    events: Events, settings: CandidatesSettings, progress: Progress
) -> dict[str, tuple[Rows, NDArray[np.uint32]]]:
    """Returns for each table by items its rows, and the item numbers that they go by.

    Few users may stand behind a pair: it adds to a sum. Whoever shows a pair as such looks at its support first.
    """
    entries, neighbors = settings.jobs.block_entries, settings.neighbors
    ratings = implicit_ratings(
        events,
        neighbors.half_life_days,
        items_per_user=neighbors.items_per_user,
        minimum_users=neighbors.minimum_support,
    )
    item_nos = distinct(events.items)
    return {
        Neighbors.ARTIFACT: (nearest_items(ratings.matrix, neighbors, entries, progress), ratings.item_nos),
        Neighbors.FOLLOWERS: (followers(events, item_nos, settings.followers, entries, progress), item_nos),
        Neighbors.COMPANIONS: (companions(events, item_nos, settings.companions, entries, progress), item_nos),
    }


def _qualities(events: Events, settings: CandidatesSettings, progress: Progress) -> dict[str, float | None]:
    """Returns how well each table, made without the log's last hours, foresees those."""
    hours = settings.jobs.held_out_hours
    late = events.millis > events.newest_millis - hours * _MILLIS_PER_HOUR
    past, future = events.where(~late), events.where(late)
    if not hours or not len(past):
        return {}
    ratings = implicit_ratings(
        past, settings.neighbors.half_life_days, items_per_user=settings.neighbors.items_per_user
    )
    return {
        name: recall(rows, item_nos, ratings, future)
        for name, (rows, item_nos) in item_tables(past, settings, progress).items()
    }


def _publish(
    made: Sequence[Made], common: Mapping[str, Any], settings: CandidatesSettings, store: ArtifactStore, clock: Clock
) -> Built:
    artifacts: dict[str, Artifact] = {}
    refused: dict[str, str] = {}
    described = {
        name: getattr(settings, name).model_dump(mode="json")
        for name in ("jobs", "neighbors", "followers", "companions", "tastes")
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
