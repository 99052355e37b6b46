"""The job that computes which items users take together."""

import asyncio
from typing import Final

import numpy as np

from services.candidates.artifacts.neighbors import Neighbors
from services.candidates.catalog.item_columns import item_digest
from services.candidates.jobs.cosine import nearest_items
from services.candidates.jobs.interactions import Interactions, Ratings
from services.candidates.settings import CandidatesSettings, NeighborSettings
from services.common.artifacts import Artifact, ArtifactStore
from services.common.channels import open_channel
from services.common.clock import Clock
from services.common.progress import NoProgress, Progress
from vitrine.events.v1.event_service_pb2 import GetLogStatusRequest, TailEventsRequest
from vitrine.events.v1.event_service_pb2_grpc import EventServiceStub
from vitrine.features.v1.catalog_service_pb2 import TailCatalogRequest
from vitrine.features.v1.catalog_service_pb2_grpc import CatalogServiceStub

_EVENTS: Final = 5_000
_ITEMS: Final = 1_000


async def build_neighbors(
    settings: CandidatesSettings, store: ArtifactStore, clock: Clock, progress: Progress | None = None
) -> Artifact | None:
    """Reads the catalogue and the log to their ends, computes the neighbours and publishes them as current.

    The same log and catalogue give the same neighbours. Returns None, and publishes nothing, where no two items have
    enough users in common. Raises grpc.aio.AioRpcError where a service cannot be reached.
    """
    progress = progress or NoProgress()
    item_nos, catalog_version = await _read_catalog(settings.features_address, progress)
    interactions = Interactions(item_nos)
    await _read_events(settings.events_address, interactions, progress)
    digests = {item_no: item_digest(item_id) for item_id, item_no in item_nos.items()}
    neighbors = await asyncio.to_thread(compute, interactions, digests, settings.neighbors, progress)
    if neighbors is None:
        return None
    metadata = {
        "catalog_version": catalog_version,
        "interactions": len(interactions),
        "items": len(neighbors.item_nos),
        "pairs": len(neighbors.neighbors),
        "settings": settings.neighbors.model_dump(),
    }
    return await asyncio.to_thread(store.publish, Neighbors.ARTIFACT, neighbors.save, metadata, clock.now())


def compute(
    interactions: Interactions, digests: dict[int, int], settings: NeighborSettings, progress: Progress
) -> Neighbors | None:
    """Returns the neighbours; None where there are none."""
    ratings: Ratings = interactions.ratings(settings.half_life_days, settings.items_per_user, settings.minimum_support)
    nearest = nearest_items(ratings.matrix, settings, progress)
    if not len(nearest.columns):
        return None
    return Neighbors(
        item_nos=ratings.item_nos,
        digests=np.array([digests[int(item_no)] for item_no in ratings.item_nos], np.uint32),
        starts=nearest.starts,
        neighbors=ratings.item_nos[nearest.columns],
        similarities=nearest.similarities,
    )


async def _read_catalog(address: str, progress: Progress) -> tuple[dict[str, int], int]:
    """Returns the number of each item that is in the catalogue, and the catalogue's version."""
    item_nos: dict[str, int] = {}
    version = 0
    async with open_channel(address) as channel:
        with progress.task("reading the catalogue") as task:
            request = TailCatalogRequest(batch_size=_ITEMS, brief=True)
            async for answer in CatalogServiceStub(channel).TailCatalog(request):
                for change in answer.changes:
                    if change.HasField("item"):
                        item_nos[change.item_id] = change.item_no
                    else:
                        item_nos.pop(change.item_id, None)
                version = answer.version
                task.advance(len(answer.changes))
    return item_nos, version


async def _read_events(address: str, interactions: Interactions, progress: Progress) -> None:
    async with open_channel(address) as channel:
        events = EventServiceStub(channel)
        status = await events.GetLogStatus(GetLogStatusRequest())
        with progress.task("reading events", total=sum(end.offset for end in status.end_offsets)) as task:
            async for answer in events.TailEvents(TailEventsRequest(batch_size=_EVENTS)):
                for logged in answer.events:
                    interactions.add(logged)
                task.advance(len(answer.events))
