import asyncio

import numpy as np
from numpy.typing import NDArray

from services.candidates.catalog.item_columns import ItemColumns
from services.candidates.content.alike import Alike
from services.candidates.content.feature_index import FeatureIndex
from services.candidates.content.freshness import freshness
from services.candidates.content.item_words import WORD_WEIGHTS, ItemWords, least_words, word_groups
from services.candidates.content.matches import Matches
from services.candidates.content.synonyms import Synonyms
from services.candidates.eligibility import Eligibility
from vitrine.features.v1.item_pb2 import Item


class EmbeddedIndex:
    """The content index in this process's memory: one index of what makes items alike, one of their words."""

    def __init__(self, columns: ItemColumns, synonyms: Synonyms) -> None:
        self._columns = columns
        self._features = FeatureIndex()
        self._words = FeatureIndex(ItemWords(synonyms).terms, WORD_WEIGHTS)

    @property
    def version(self) -> str:
        return self._features.version

    def unready(self) -> str:
        return ""

    def put(self, item_no: int, item: Item) -> None:
        """Adds or changes an item; found after `refresh`."""
        self._features.put(item_no, item)
        self._words.put(item_no, item)

    def remove(self, item_no: int) -> None:
        """Takes an item out."""
        self._features.remove(item_no)
        self._words.remove(item_no)

    def refresh(self) -> None:
        """Makes what was put since the last time findable."""
        self._features.refresh()
        self._words.refresh()

    def merge(self) -> None:
        """Folds all that changed into the large segments, on the spot."""
        for index in (self._features, self._words):
            index.finish_merge(*index.begin_merge().run())

    async def merge_beside(self) -> None:
        """Does the same in another thread."""
        for index in (self._features, self._words):
            index.finish_merge(*await asyncio.to_thread(index.begin_merge().run))

    async def keep(self) -> None:
        """Makes what changed findable, and folds it into the large segments, beside, when it has become much."""
        for index in (self._features, self._words):
            if index.wants_merge:
                index.finish_merge(*await asyncio.to_thread(index.begin_merge().run))
            index.refresh()

    async def alike(
        self, item_nos: NDArray[np.uint32], weights: NDArray[np.float64], count: int, eligibility: Eligibility
    ) -> Alike:
        return self._features.alike(item_nos, weights, count, eligibility.admits)

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
