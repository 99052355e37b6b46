from dataclasses import dataclass, field

from services.candidates.artifacts.embeddings import Embeddings
from services.candidates.artifacts.neighbors import Neighbors
from services.candidates.artifacts.slot import Slot
from services.candidates.catalog.item_columns import ItemColumns
from services.candidates.content.index import ContentIndex
from services.candidates.settings import CandidatesSettings
from services.candidates.statistics.item_statistics import ItemStatistics
from services.candidates.statistics.top_lists import CatalogSnapshot, TopLists, rank


@dataclass(slots=True)
class Inputs:
    """All that sources work from, kept fresh in the background: a source takes from here what it needs."""

    settings: CandidatesSettings
    columns: ItemColumns = field(default_factory=ItemColumns)
    statistics: ItemStatistics = field(default_factory=ItemStatistics)
    content: ContentIndex = field(default_factory=ContentIndex)
    neighbors: Slot[Neighbors] = field(default_factory=lambda: Slot[Neighbors]("neighbors"))
    embeddings: Slot[Embeddings] = field(default_factory=lambda: Slot[Embeddings]("embeddings"))
    top_lists: TopLists = field(init=False)
    catalog_read: bool = False

    def __post_init__(self) -> None:
        self.top_lists = rank(CatalogSnapshot.of(self.columns, self.statistics), 0)
