"""The composition root of the candidates service."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Final

import grpc

from services.candidates.artifacts.embeddings import Embeddings
from services.candidates.artifacts.neighbors import Neighbors
from services.candidates.background.artifact_watcher import ArtifactWatcher
from services.candidates.background.catalog_tail import CatalogTail
from services.candidates.background.content_keeper import ContentKeeper
from services.candidates.background.list_keeper import ListKeeper
from services.candidates.background.statistics_poll import StatisticsPoll
from services.candidates.metrics import CandidateMetrics
from services.candidates.retrieval import Retriever
from services.candidates.servicer import CandidateServicer
from services.candidates.settings import CandidatesSettings
from services.candidates.sources.inputs import Inputs
from services.candidates.sources.registry import check_names, make_sources
from services.common.artifacts import Artifact, ArtifactStore
from services.common.background import keep_doing
from services.common.channels import open_channel
from services.common.telemetry.metrics import service_metrics
from vitrine.candidates.v1.candidate_service_pb2 import DESCRIPTOR
from vitrine.candidates.v1.candidate_service_pb2_grpc import add_CandidateServiceServicer_to_server
from vitrine.features.v1.catalog_service_pb2_grpc import CatalogServiceStub
from vitrine.features.v1.feature_service_pb2_grpc import FeatureServiceStub

# A new item is to be in answers within a second of its upsert.
_INDEX_SECONDS: Final = 0.25


class CandidatesApplication:
    """The candidates service: a servicer over inputs that background tasks keep fresh."""

    name = "candidates"

    def __init__(self, settings: CandidatesSettings) -> None:
        self._settings = settings
        self._inputs = Inputs(settings)
        for field in ("sources", "quotas", "weights"):
            check_names(settings.variable(field), getattr(settings, field))
        sources = make_sources(settings.sources, self._inputs)
        self._retriever = Retriever(
            sources,
            settings.quotas,
            settings.weights,
            settings.source_deadline_seconds,
            CandidateMetrics(service_metrics(self.name)),
        )
        self._tasks: list[asyncio.Task[None]] = []
        self._channel: grpc.aio.Channel | None = None

    def register(self, server: grpc.aio.Server) -> Sequence[str]:
        add_CandidateServiceServicer_to_server(CandidateServicer(self._inputs, self._retriever), server)
        return [DESCRIPTOR.services_by_name["CandidateService"].full_name]

    async def start(self) -> None:
        inputs, seconds = self._inputs, self._settings.poll_seconds
        self._channel = open_channel(self._settings.features_address)
        tail = CatalogTail(CatalogServiceStub(self._channel), inputs)
        content, lists = ContentKeeper(inputs.content), ListKeeper(inputs)
        statistics = StatisticsPoll(FeatureServiceStub(self._channel), inputs.statistics)
        self._run(keep_doing("catalog tail", tail.follow, 0.2))
        self._run(keep_doing("statistics", statistics.read, seconds))
        await tail.caught_up.wait()
        await content.merge()
        await lists.refresh()
        inputs.catalog_read = True
        self._run(keep_doing("content index", content.refresh, _INDEX_SECONDS))
        self._run(keep_doing("top lists", lists.refresh, _INDEX_SECONDS))
        for watcher in self._watchers():
            # What is there already is loaded before the first request; a failure is tried again like any other.
            await watcher.look()
            self._run(keep_doing("artefacts", watcher.look, seconds))

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._channel is not None:
            await self._channel.close()

    def _run(self, coroutine: Coroutine[None, None, None]) -> None:
        self._tasks.append(asyncio.create_task(coroutine))

    def _watchers(self) -> Sequence[ArtifactWatcher[Neighbors] | ArtifactWatcher[Embeddings]]:
        store, columns = ArtifactStore(self._settings.state_directory / "artifacts"), self._inputs.columns

        def load_neighbors(artifact: Artifact) -> Neighbors:
            return Neighbors.load(artifact.path, columns)

        def load_embeddings(artifact: Artifact) -> Embeddings:
            version = str(artifact.metadata.get("model_version", ""))
            return Embeddings.load(artifact.path, columns, version)

        return [
            ArtifactWatcher(store, self._inputs.neighbors, columns, load_neighbors),
            ArtifactWatcher(store, self._inputs.embeddings, columns, load_embeddings),
        ]


def build(settings: CandidatesSettings) -> CandidatesApplication:
    """Wires the service; nothing runs before `start`."""
    return CandidatesApplication(settings)
