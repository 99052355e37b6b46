from collections.abc import Sequence

import numpy as np

from services.homepage.clients.columns import column
from services.homepage.pipeline.candidates import Candidates, Removal
from services.homepage.pipeline.stages import Filter
from services.homepage.query import Query


class DislikedItemFilter(Filter):
    """Removes items that the visitor does not want."""

    def enable(self, query: Query) -> bool:
        return bool(query.user.disliked_item_nos)

    def filter(self, query: Query, candidates: Candidates) -> Sequence[Removal]:
        disliked = column(query.user.disliked_item_nos, np.uint32)
        return [Removal(np.isin(candidates.item_nos, disliked), "DISLIKED")]
