"""The job that lets the last hour's events into the neighbors without a full build."""

import asyncio
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.candidates.artifacts.neighbors import Neighbors
from services.candidates.catalog.item_columns import item_digest
from services.candidates.job_settings import NeighborSettings
from services.candidates.jobs.build import Built, known_events, read_on
from services.candidates.jobs.interactions import Interactions
from services.candidates.jobs.nearest import nearest_items
from services.candidates.jobs.ratings import Ratings, implicit_ratings
from services.candidates.jobs.read_log import ReadLog
from services.candidates.jobs.reading import read_catalog
from services.candidates.jobs.rows import Rows
from services.candidates.jobs.tables import neighbors_of
from services.candidates.settings import CandidatesSettings
from services.common.artifacts import ArtifactStore
from services.common.clock import Clock
from services.common.errors import FailedPreconditionError
from services.common.progress import NoProgress, Progress
from services.common.signing_key import load_signing_key
from services.common.sorted_lookup import contained, distinct

_ALL: Final = 1_000_000_000


async def update_candidates(
    settings: CandidatesSettings, store: ArtifactStore, clock: Clock, progress: Progress | None = None
) -> Built:
    """Reads what came into the log since the last build or update, and publishes neighbors that know of it.

    Only items with new events are computed; their similarities replace the old ones in the rows of all others. Ages
    go on counting from the last full build, so that what has no new event keeps its rating. A row that loses a
    neighbor gets the one after its last back with the next full build. Raises FailedPreconditionError where nothing
    was built yet, grpc.aio.AioRpcError where a service cannot be reached.
    """
    progress = progress or NoProgress()
    item_nos, catalog_version = await read_catalog(settings.features_address, progress)
    log = ReadLog(Interactions(item_nos, settings.jobs.by_type(), load_signing_key(settings)))
    former = store.current(Neighbors.ARTIFACT)
    if former is None or not await asyncio.to_thread(log.restore, store, clock, finished=True):
        raise FailedPreconditionError("nothing to update; build everything once, without --update", reason="NOT_BUILT")
    before = len(log.interactions)
    await read_on(log, settings, store, clock, progress)
    changed = log.interactions.items_since(before)
    if not len(changed):
        return Built()
    digests = {item_no: item_digest(item_id) for item_id, item_no in item_nos.items()}
    events = known_events(log, digests)
    chosen = settings.neighbors
    ratings = implicit_ratings(
        events,
        chosen.half_life_days,
        items_per_user=chosen.items_per_user,
        minimum_users=chosen.minimum_support,
        as_of_millis=log.as_of_millis,
    )
    item_nos_now = np.sort(np.fromiter(digests, np.uint32, len(digests)))
    rows, owners = await asyncio.to_thread(
        merged,
        Neighbors.read(former.path),
        ratings,
        changed,
        item_nos_now,
        chosen,
        block_entries=settings.jobs.block_entries,
    )
    neighbors = neighbors_of(rows, owners, digests)
    if neighbors is None:
        return Built()
    metadata = {
        **former.metadata,
        "catalog_version": catalog_version,
        "interactions": len(events),
        "newest_millis": events.newest_millis,
        "updated_from": former.version,
        "updated_items": len(changed),
    }
    artifact = await asyncio.to_thread(store.publish, Neighbors.ARTIFACT, neighbors.save, metadata, clock.now())
    # A crash before this line reads the same events again and computes the same rows.
    await asyncio.to_thread(log.save, store, clock)
    return Built({Neighbors.ARTIFACT: artifact})


def merged(
    former: Neighbors,
    ratings: Ratings,
    changed: NDArray[np.uint32],
    known: NDArray[np.uint32],
    settings: NeighborSettings,
    *,
    block_entries: int,
) -> tuple[Rows, NDArray[np.uint32]]:
    """Returns the former rows with the changed items' similarities in the place of their old ones, and the item numbers
    that they go by. Of items that are not `known` any more nothing stays. `changed` and `known` are ascending.
    """
    columns = np.flatnonzero(contained(ratings.item_nos, changed))
    every = settings.model_copy(update={"per_item": _ALL})
    fresh = nearest_items(ratings.matrix, every, block_entries, only=columns)
    own = ratings.item_nos[np.repeat(columns, np.diff(fresh.starts))]
    others = ratings.item_nos[fresh.columns]
    old = np.repeat(former.item_nos, np.diff(former.starts))
    stays = contained(old, known) & contained(former.neighbors, known)
    stays &= ~contained(old, changed) & ~contained(former.neighbors, changed)
    mirrored = ~contained(others, changed)  # between two changed items both directions are there
    owners = np.concatenate([old[stays], own, others[mirrored]])
    neighbors = np.concatenate([former.neighbors[stays], others, own[mirrored]])
    scores = np.concatenate([former.similarities[stays], fresh.scores, fresh.scores[mirrored]])
    supports = np.concatenate([former.supports[stays], fresh.supports, fresh.supports[mirrored]])
    order = np.lexsort((neighbors, -scores, owners))
    owners, neighbors, scores, supports = owners[order], neighbors[order], scores[order], supports[order]
    first = np.arange(len(owners)) - np.searchsorted(owners, owners) < settings.per_item
    owners, neighbors = owners[first], neighbors[first]
    item_nos = distinct(np.concatenate([owners, neighbors]))
    starts = np.searchsorted(owners, np.append(item_nos, np.uint32(0xFFFFFFFF)))
    places = np.searchsorted(item_nos, neighbors)
    return Rows(starts.astype(np.int64), places.astype(np.int32), scores[first], supports[first]), item_nos
