from collections.abc import Sequence

from services.homepage.pipeline.candidates import Candidates, Removal
from services.homepage.pipeline.stages import Filter
from services.homepage.query import Query
from services.homepage.visitor_age import known_age


class MinimumAgeFilter(Filter):
    """Removes items that the visitor is not known to be old enough for."""

    def filter(self, query: Query, candidates: Candidates) -> Sequence[Removal]:
        age = known_age(query.user.attributes)
        minimum = candidates.item_states.minimum_ages
        if age is None:
            return [Removal(minimum > 0, "AGE_NOT_KNOWN")]
        return [Removal(minimum > age, "TOO_YOUNG")]
