from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from services.candidates.catalog.term_column import TermColumn
from services.candidates.proposals import Proposals, best, nothing
from services.candidates.query import Query
from services.candidates.sources.inputs import Inputs
from services.candidates.statistics.item_statistics import popularity_at
from services.candidates.statistics.top_lists import TermRanking
from services.common.sorted_lookup import contained
from vitrine.events.v1 import event_pb2

_SUBJECTS: Final = 100
_LOOKED_AT: Final = 3
_HALF_LIFE_MILLIS: Final = 30 * 86_400_000


class Followed:
    """Items of the creators, brands and topics that the visitor follows, the newest first.

    score(j) = 2^(-age of j / 30 days) × (1 + ½ ln(1 + j's decayed events)). What the visitor already dealt with is left
    to other sources. A topic is the name of a category, or a tag.
    """

    name: ClassVar[str] = "followed"
    quota: ClassVar[int] = 60
    weight: ClassVar[float] = 0.8

    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs

    def unready(self) -> str:
        return ""

    def applies(self, query: Query) -> bool:
        return len(query.user.follows) > 0

    async def propose(self, query: Query, quota: int) -> Proposals:
        found = [
            self._newest(subject.kind, subject.subject_id, query, _LOOKED_AT * quota)
            for subject in query.user.follows[-_SUBJECTS:]
        ]
        if not found:
            return nothing()
        item_nos = np.unique(np.concatenate(found))
        item_nos = item_nos[~contained(item_nos, query.history.item_nos)]
        lists, now = self._inputs.top_lists, query.query_millis
        ages = np.maximum(now - self._inputs.columns.new_since[item_nos], 0)
        popularity = popularity_at(lists.logs[item_nos], now)
        return best(item_nos, np.exp2(-ages / _HALF_LIFE_MILLIS) * (1 + 0.5 * np.log1p(popularity)), quota)

    def _newest(self, kind: int, subject_id: str, query: Query, count: int) -> NDArray[np.uint32]:
        """Returns the newest items of a subject that may be proposed."""
        columns, lists = self._inputs.columns, self._inputs.top_lists
        places: dict[int, tuple[TermColumn[str] | TermColumn[tuple[str, ...]], TermRanking]] = {
            event_pb2.SUBJECT_KIND_CREATOR: (columns.creators, lists.of_creator),
            event_pb2.SUBJECT_KIND_BRAND: (columns.brands, lists.of_brand),
            event_pb2.SUBJECT_KIND_TOPIC: (columns.topics, lists.of_topic),
        }
        if kind not in places:
            return np.zeros(0, np.uint32)
        column, ranking = places[kind]
        newest = [np.zeros(0, np.uint32)]
        for code in column.codes_with(subject_id):
            item_nos = query.eligibility.first_admitted(ranking.of_code(int(code)), count)
            newest.append(item_nos[column.codes_of(item_nos) == code].astype(np.uint32))
        return np.concatenate(newest)
