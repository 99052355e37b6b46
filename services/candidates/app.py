"""The composition root of the candidates service."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import grpc

from services.candidates.artifacts.embeddings import Embeddings
from services.candidates.artifacts.group_tastes import GroupTastes
from services.candidates.artifacts.loaded_artifact import LoadedArtifact
from services.candidates.artifacts.neighbors import Neighbors
from services.candidates.artifacts.repeats import Repeats
from services.candidates.artifacts.user_ratings import UserRatings
from services.candidates.background.artifact_watcher import ArtifactWatcher
from services.candidates.background.catalog_tail import CatalogTail
from services.candidates.background.list_keeper import ListKeeper
from services.candidates.background.statistics_poll import StatisticsPoll
from services.candidates.background.vector_keeper import VectorKeeper
from services.candidates.catalog.item_columns import ItemColumns
from services.candidates.content.synonyms import Synonyms
from services.candidates.metrics import CandidateMetrics
from services.candidates.retrieval import Retriever
from services.candidates.servicer import CandidateServicer
from services.candidates.settings import CandidatesSettings
from services.candidates.sources.content import Content
from services.candidates.sources.inputs import Inputs
from services.candidates.sources.registry import check_names, make_sources
from services.candidates.sources.search_history import SearchHistory
from services.common.artifacts import Artifact, ArtifactStore
from services.common.background import run_periodically
from services.common.channels import ChannelLimits, open_channel
from services.common.clock import SystemClock
from services.common.signing import Signer
from services.common.signing_key import load_signing_key
from services.common.telemetry.metrics import service_metrics
from vitrine.candidates.v1.candidate_service_pb2 import DESCRIPTOR
from vitrine.candidates.v1.candidate_service_pb2_grpc import add_CandidateServiceServicer_to_server
from vitrine.candidates.v1.source_service_pb2_grpc import SourceServiceStub
from vitrine.features.v1.catalog_service_pb2_grpc import CatalogServiceStub
from vitrine.features.v1.feature_service_pb2_grpc import FeatureServiceStub
from vitrine.ranker.v1.ranker_service_pb2_grpc import RankerServiceStub

if TYPE_CHECKING:
    from services.candidates.elastic.engine import Engine
    from vitrine.features.v1.catalog_service_pb2_grpc import CatalogServiceAsyncStub

# A new item is to be in answers within a second of its upsert.
_INDEX_SECONDS: Final = 0.25
_ENCODE_SECONDS: Final = 0.1

Loaded = TypeVar("Loaded")


class CandidatesApplication:
    """The candidates service: a servicer over inputs that background tasks keep fresh."""

    name = "candidates"

    def __init__(self, settings: CandidatesSettings) -> None:
        self._settings = settings
        self._inputs = Inputs(settings)
        for field in ("sources", "quotas", "weights", "source_deadlines"):
            check_names(settings.variable(field), getattr(settings, field))
        sources = make_sources(settings.sources, self._inputs)
        self._metrics = CandidateMetrics(service_metrics(self.name))
        self._retriever = Retriever(
            sources,
            settings.quotas,
            settings.weights,
            settings.source_deadline_seconds,
            self._metrics,
            deadlines={**_content_deadlines(settings), **settings.source_deadlines},
        )
        self._tasks: list[asyncio.Task[None]] = []
        self._channels: list[grpc.aio.Channel] = []
        # Requests search in the loop's own threads. What runs beside them has its own, so that no request waits for it:
        # artifacts are loaded one at a time, and a load of minutes delays neither merges nor rankings.
        self._loading = ThreadPoolExecutor(1, thread_name_prefix="candidates-loading")
        self._upkeep = ThreadPoolExecutor(3, thread_name_prefix="candidates-upkeep")
        self._engine: Engine | None = None

    def register(self, server: grpc.aio.Server) -> Sequence[str]:
        signer = Signer(load_signing_key(self._settings))
        servicer = CandidateServicer(self._inputs, self._retriever, signer)
        add_CandidateServiceServicer_to_server(servicer, server)
        return [DESCRIPTOR.services_by_name["CandidateService"].full_name]

    async def start(self) -> None:
        inputs, seconds = self._inputs, self._settings.poll_seconds
        features = open_channel(self._settings.features_address)
        self._channels.append(features)
        if address := self._settings.custom_source_address:
            # The shop's source owes us no health service, and a late answer is worth no second try.
            self._channels.append(open_channel(address, limits=ChannelLimits(watch_health=False, max_attempts=1)))
            inputs.custom = SourceServiceStub(self._channels[-1])
        catalog = CatalogServiceStub(features)
        if self._settings.elasticsearch_url:
            self._search_elsewhere(catalog)
        tail = CatalogTail(catalog, inputs)
        embedded, lists = inputs.embedded, ListKeeper(inputs, self._upkeep)
        statistics = StatisticsPoll(FeatureServiceStub(features), inputs.statistics)
        self._run(run_periodically("catalog tail", tail.follow, 0.2))
        self._run(run_periodically("statistics", statistics.read, seconds))
        await tail.caught_up.wait()
        await embedded.merge_beside(self._upkeep)
        await lists.refresh()
        inputs.catalog_read = True
        self._run(run_periodically("content index", embedded.keep, _INDEX_SECONDS))
        self._run(run_periodically("content merges", partial(embedded.merge_what_grew, self._upkeep), _INDEX_SECONDS))
        self._run(run_periodically("top lists", lists.refresh, _INDEX_SECONDS))
        for watcher in self._watchers():
            # What is there already is loaded before the first request; a failure is tried again like any other.
            await watcher.look()
            self._run(run_periodically("artifacts", watcher.look, seconds))
        if address := self._settings.ranker_address:
            # The next turn comes soon enough to be the second try.
            self._channels.append(open_channel(address, limits=ChannelLimits(max_attempts=1)))
            keeper = VectorKeeper(RankerServiceStub(self._channels[-1]), inputs, self._metrics, self._upkeep)
            self._run(run_periodically("new vectors", keeper.keep, _ENCODE_SECONDS))

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for channel in self._channels:
            await channel.close()
        if self._engine is not None:
            await self._engine.cluster.close()
        for threads in (self._loading, self._upkeep):
            threads.shutdown(wait=False, cancel_futures=True)

    def _search_elsewhere(self, catalog: "CatalogServiceAsyncStub") -> None:
        """Lets Elasticsearch answer in the embedded index's place. Where it is away the service starts all the same."""
        # The client takes a third of a second to import; an embedded shop does without it.
        from services.candidates.elastic.engine import Engine

        synonyms = Synonyms.read(self._settings.synonyms_file)
        self._engine = engine = Engine.of(self._settings, self._inputs, catalog, SystemClock(), synonyms)
        self._inputs.content = engine.index
        self._run(run_periodically("search engine", engine.index.look, self._settings.poll_seconds))
        if self._settings.elasticsearch_writer:
            self._run(run_periodically("search index", engine.keeper.keep, self._settings.poll_seconds))

    def _run(self, coroutine: Coroutine[None, None, None]) -> None:
        self._tasks.append(asyncio.create_task(coroutine))

    def _watchers(self) -> "Sequence[ArtifactWatcher[Any]]":
        store, inputs = ArtifactStore(self._settings.state_directory / "artifacts"), self._inputs
        columns, floor = inputs.columns, self._settings.jobs.quality_floor

        def watch_artifact(slot: LoadedArtifact[Loaded], load: Callable[[Artifact], Loaded]) -> ArtifactWatcher[Loaded]:
            return ArtifactWatcher(store, slot, columns, self._loading, load, quality_floor=floor)

        def watch(slot: LoadedArtifact[Loaded], load: Callable[[Path, ItemColumns], Loaded]) -> ArtifactWatcher[Loaded]:
            return watch_artifact(slot, lambda artifact: load(artifact.path, columns))

        def load_embeddings(artifact: Artifact) -> Embeddings:
            version = str(artifact.metadata.get("model_version", ""))
            return Embeddings.load(artifact.path, columns, version)

        return [
            watch(inputs.neighbors, Neighbors.load),
            watch(inputs.next_items, Neighbors.load),
            watch(inputs.bought_together, Neighbors.load),
            watch(inputs.user_ratings, UserRatings.load),
            watch(inputs.group_tastes, GroupTastes.load),
            watch(inputs.repeats, Repeats.load),
            watch_artifact(inputs.embeddings, load_embeddings),
        ]


def _content_deadlines(settings: CandidatesSettings) -> dict[str, float]:
    """Returns how long the sources may take that ask Elasticsearch: as long as is waited for it."""
    if not settings.elasticsearch_url:
        return {}
    return dict.fromkeys((Content.name, SearchHistory.name), settings.elasticsearch_timeout_seconds)


def build(settings: CandidatesSettings) -> CandidatesApplication:
    """Wires the service; nothing runs before `start`."""
    return CandidatesApplication(settings)
