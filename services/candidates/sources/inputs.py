from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from services.candidates.artifacts.embeddings import Embeddings
from services.candidates.artifacts.group_tastes import GroupTastes
from services.candidates.artifacts.loaded_artifact import LoadedArtifact
from services.candidates.artifacts.neighbors import Neighbors
from services.candidates.artifacts.repeats import Repeats
from services.candidates.artifacts.user_ratings import UserRatings
from services.candidates.catalog.item_columns import ItemColumns
from services.candidates.content.content_index import ContentIndex
from services.candidates.content.embedded_index import EmbeddedIndex
from services.candidates.content.synonyms import Synonyms
from services.candidates.settings import CandidatesSettings
from services.candidates.statistics.item_statistics import ItemStatistics
from services.candidates.statistics.top_lists import CatalogSnapshot, TopLists, rank
from services.candidates.vectors.item_vectors import ItemVectors
from services.candidates.vectors.named_vectors import NamedVectors

if TYPE_CHECKING:
    from vitrine.candidates.v1.source_service_pb2_grpc import SourceServiceAsyncStub


@dataclass(slots=True)
class Inputs:
    """All that sources work from, kept fresh in the background: a source takes from here what it needs."""

    settings: CandidatesSettings
    columns: ItemColumns = field(default_factory=ItemColumns)
    statistics: ItemStatistics = field(init=False)
    embedded: EmbeddedIndex = field(init=False)
    content: ContentIndex = field(init=False)
    neighbors: LoadedArtifact[Neighbors] = field(default_factory=lambda: LoadedArtifact[Neighbors](Neighbors.ARTIFACT))
    next_items: LoadedArtifact[Neighbors] = field(
        default_factory=lambda: LoadedArtifact[Neighbors](Neighbors.NEXT_ITEMS)
    )
    bought_together: LoadedArtifact[Neighbors] = field(
        default_factory=lambda: LoadedArtifact[Neighbors](Neighbors.BOUGHT_TOGETHER)
    )
    user_ratings: LoadedArtifact[UserRatings] = field(
        default_factory=lambda: LoadedArtifact[UserRatings](UserRatings.ARTIFACT)
    )
    group_tastes: LoadedArtifact[GroupTastes] = field(
        default_factory=lambda: LoadedArtifact[GroupTastes](GroupTastes.ARTIFACT)
    )
    repeats: LoadedArtifact[Repeats] = field(default_factory=lambda: LoadedArtifact[Repeats](Repeats.ARTIFACT))
    embeddings: LoadedArtifact[Embeddings] = field(
        default_factory=lambda: LoadedArtifact[Embeddings](Embeddings.ARTIFACT)
    )
    new_vectors: ItemVectors | None = None
    """The vectors with those of items that came or changed since the training; of the loaded training, or of a former
    one.
    """

    waiting_vectors: int = 0
    """Items that came or changed since the training and are not encoded yet."""

    vectors_fault: str = ""
    """Why they wait; empty: they will not for long."""

    top_lists: TopLists = field(init=False)
    catalog_read: bool = False
    refused_items: deque[str] = field(default_factory=lambda: deque(maxlen=100))
    """What the search engine refused of late, and why."""

    custom: "SourceServiceAsyncStub | None" = None
    """The shop's own source, where there is one."""

    @property
    def vectors(self) -> ItemVectors | None:
        """The item vectors of the loaded training, with the newer ones; None: none are loaded."""
        trained, current = self.embeddings.value, self.new_vectors
        if trained is None or (current is not None and current.trained is trained):
            return None if trained is None else current
        return ItemVectors(trained)

    @property
    def artifacts(self) -> "tuple[LoadedArtifact[Any], ...]":
        """All artifacts, loaded or not."""
        return (
            self.neighbors,
            self.next_items,
            self.bought_together,
            self.user_ratings,
            self.group_tastes,
            self.repeats,
            self.embeddings,
        )

    def __post_init__(self) -> None:
        self.statistics = ItemStatistics(self.settings.minimum_users)
        vectors = NamedVectors(self.settings.vector_weights, self.settings.vector_megabytes)
        self.embedded = EmbeddedIndex(self.columns, Synonyms.read(self.settings.synonyms_file), vectors)
        self.content = self.embedded
        self.top_lists = rank(CatalogSnapshot.of(self.columns, self.statistics), 0)
