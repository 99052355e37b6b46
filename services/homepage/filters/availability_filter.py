from collections.abc import Sequence

from services.homepage.pipeline.candidates import Candidates, Removal
from services.homepage.pipeline.stages import Filter
from services.homepage.query import Query


class AvailabilityFilter(Filter):
    """Removes items outside their window: shown from its beginning on, until before its end."""

    def filter(self, query: Query, candidates: Candidates) -> Sequence[Removal]:
        states = candidates.item_states
        until = states.available_until_millis
        return [
            Removal(states.available_from_millis > query.query_millis, "NOT_YET_AVAILABLE"),
            Removal((until != 0) & (until <= query.query_millis), "NO_LONGER_AVAILABLE"),
        ]
