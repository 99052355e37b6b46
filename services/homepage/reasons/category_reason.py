import numpy as np

from services.homepage.pipeline.candidates import Candidates
from services.homepage.query import Query
from services.homepage.reasons.finder import Found, ReasonFinder
from vitrine.homepage.v1 import reason_pb2

_CATEGORIES = 5


class CategoryReason(ReasonFinder):
    """It is of one of the visitor's five most chosen categories, at the level that shelves name."""

    def find(self, query: Query, candidates: Candidates) -> list[Found]:
        if not query.personal:
            return []
        named = set(query.categories.navigation_nos)
        liked = [number for number in query.user.category_affinities.nos if number in named][:_CATEGORIES]
        shelf_nos = query.categories.shelf_categories(candidates.item_states.category_nos)
        rows = np.flatnonzero(np.isin(shelf_nos, np.array(liked, np.uint32)))
        return [Found(rows, reason_pb2.REASON_KIND_YOUR_CATEGORY)]
