import asyncio
from collections.abc import Iterable
from concurrent.futures import Executor
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from services.candidates.catalog.item_columns import ItemColumns
from services.candidates.content.content_index import Matches, SimilarItems
from services.candidates.content.embedded_similarity import EmbeddedSimilarity
from services.candidates.content.feature_index import FeatureIndex
from services.candidates.content.freshness import freshness
from services.candidates.content.item_words import WORD_WEIGHTS, ItemWords, least_words, word_groups
from services.candidates.content.synonyms import Synonyms
from services.candidates.eligibility import Eligibility
from services.candidates.vectors.named_vectors import NamedVectors, VectorStatus
from vitrine.features.v1.item_pb2 import Item


class _Merge(Protocol):
    def run(self) -> tuple[Any, ...]: ...


class _Merging(Protocol):
    """A large part and a small one, which is folded into the large one now and then."""

    @property
    def wants_merge(self) -> bool: ...

    def begin_merge(self) -> _Merge: ...

    def finish_merge(self, *made: Any, **named: Any) -> None:
        """Takes what the merge has made."""


class EmbeddedIndex:
    """The content index in this process's memory: what makes items alike, their named vectors, and their words."""

    def __init__(self, columns: ItemColumns, synonyms: Synonyms, vectors: NamedVectors) -> None:
        self._columns = columns
        self._features = FeatureIndex()
        self._vectors = vectors
        self._words = FeatureIndex(ItemWords(synonyms).terms, WORD_WEIGHTS)
        self._similarity = EmbeddedSimilarity(self._features, vectors)

    @property
    def version(self) -> str:
        return f"{self._features.version}.{self._vectors.version}"

    def unready(self) -> str:
        return ""

    def vectors(self) -> list[VectorStatus]:
        return self._vectors.statuses()

    def put(self, item_no: int, item: Item) -> None:
        """Adds or changes an item; found after `refresh`."""
        self._features.put(item_no, item)
        self._words.put(item_no, item)
        self._vectors.put(item_no, item)

    def remove(self, item_no: int) -> None:
        """Takes an item out."""
        self._features.remove(item_no)
        self._words.remove(item_no)
        self._vectors.remove(item_no)

    def refresh(self) -> None:
        """Makes what was put since the last time findable."""
        self._features.refresh()
        self._words.refresh()
        self._vectors.refresh()

    def merge(self) -> None:
        """Folds all that changed into the large parts, on the spot."""
        for part in self._parts():
            part.finish_merge(*part.begin_merge().run())
        self.refresh()

    async def merge_beside(self, threads: Executor) -> None:
        """Does the same in one of `threads`."""
        await _merge_beside(self._parts(), threads)
        self.refresh()

    async def keep(self) -> None:
        """Makes what changed findable; to be called again and again, while `merge_what_grew` may be under way."""
        self.refresh()

    async def merge_what_grew(self, threads: Executor) -> None:
        """Folds what changed into the large parts, in one of `threads`, once it is much."""
        await _merge_beside((part for part in self._parts() if part.wants_merge), threads)

    async def similar(
        self, item_nos: NDArray[np.uint32], weights: NDArray[np.float64], count: int, eligibility: Eligibility
    ) -> SimilarItems:
        return await self._similarity.find(item_nos, weights, count, eligibility)

    async def match(self, text: str, eligibility: Eligibility, count: int) -> Matches:
        groups = word_groups(text)
        if not groups:
            return Matches.nothing()
        item_nos, relevance = await asyncio.to_thread(self._words.matches, groups, least_words(len(groups)))
        admitted = eligibility.admits(item_nos)
        item_nos, relevance = item_nos[admitted], relevance[admitted]
        return Matches.best(
            item_nos, relevance * freshness(self._columns.new_since[item_nos], eligibility.query_millis), count
        )

    def _parts(self) -> list[_Merging]:
        return [self._features, self._words, *self._vectors.blocks]


async def _merge_beside(parts: Iterable[_Merging], threads: Executor) -> None:
    for part in parts:
        part.finish_merge(*await asyncio.get_running_loop().run_in_executor(threads, part.begin_merge().run))
