from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.candidates.content.item_words import ItemWords
from services.candidates.content.synonyms import Synonyms
from services.candidates.elastic.bulk_writer import BulkWriter
from services.candidates.elastic.cluster import Cluster, connect
from services.candidates.elastic.elastic_index import ElasticIndex
from services.candidates.elastic.elastic_vectors import ElasticVectors
from services.candidates.elastic.feeder import Feeder
from services.candidates.elastic.indexes import Indexes
from services.candidates.elastic.keeper import Keeper
from services.candidates.elastic.lease import Lease
from services.candidates.elastic.schema import Schema
from services.candidates.settings import CandidatesSettings
from services.candidates.sources.inputs import Inputs
from services.common.clock import Clock

if TYPE_CHECKING:
    from vitrine.features.v1.catalog_service_pb2_grpc import CatalogServiceAsyncStub


@dataclass(frozen=True, slots=True)
class Engine:
    """Elasticsearch as this service uses it: what answers, and what keeps its index."""

    cluster: Cluster
    index: ElasticIndex
    keeper: Keeper

    @classmethod
    def of(
        cls,
        settings: CandidatesSettings,
        inputs: Inputs,
        catalog: "CatalogServiceAsyncStub",
        clock: Clock,
        synonyms: Synonyms,
    ) -> "Engine":
        """Wires it; nothing is sent yet. To be called inside the event loop."""
        cluster = connect(settings)
        indexes = Indexes(
            cluster, settings.elasticsearch_index, settings.elasticsearch_shards, settings.elasticsearch_replicas
        )
        writer = BulkWriter(cluster, inputs.refused_items.append)
        weights = settings.vector_weights
        feeder = Feeder(catalog, writer, indexes, ItemWords(synonyms), weights)
        lease = Lease(cluster, settings.elasticsearch_index, clock)
        schema, seconds = Schema(synonyms.digest, weights), settings.elasticsearch_timeout_seconds
        keeper = Keeper(indexes, feeder, lease, schema, clock, search_seconds=seconds)
        index = ElasticIndex(cluster, indexes, inputs.columns, ElasticVectors(cluster, weights))
        return cls(cluster, index, keeper)
