from collections.abc import Iterable, Mapping

from services.common.errors import FailedPreconditionError
from services.common.visitors import partition_of, visitor_from_key
from services.features.catalog.catalog import Catalog
from services.features.definitions.observation import observe
from services.features.definitions.user_state import UserState
from services.features.event_log import EventLog
from services.features.materializer.parked_events import read_places
from services.features.materializer.user_states import join_states
from services.features.store.store import Store
from services.features.users.users import Users
from vitrine.events.v1.event_service_pb2 import LoggedEvent
from vitrine.features.v1.user_features_pb2 import UserFeatures


class Recomputation:
    """Computes a visitor's features from nothing but the log, as they were when it was read up to given offsets."""

    def __init__(self, store: Store, users: Users, catalog: Catalog, log: EventLog) -> None:
        self._store = store
        self._users = users
        self._catalog = catalog
        self._log = log

    async def features(
        self, key: str, query_millis: int, offsets: Mapping[int, int], *, unmerged: bool
    ) -> UserFeatures:
        """Returns the features as of a time. `unmerged`: only what was done under this very id.

        Items, categories and merges are those of now. Raises FailedPreconditionError (LOG_DROPPED) if the log's
        beginning is no longer kept: what was made of it cannot be computed again.
        """
        members = [key] if unmerged else self._users.members_of(self._users.resolve(key))
        starts = await self._log.start_offsets()
        parked = await self._store.read(lambda connection: read_places(connection, members))
        states = []
        for member in members:
            if starts.get(partition_of(member, max(len(starts), 1)), 0):
                raise FailedPreconditionError(
                    "the beginning of the log is no longer kept: features that hold events from before cannot be "
                    "computed again",
                    reason="LOG_DROPPED",
                )
            events = [event async for event in self._log.user_events(member)]
            state = self._state(
                event
                for event in events
                if event.offset < offsets.get(event.partition, 0) and (event.partition, event.offset) not in parked
            )
            if state is not None:
                states.append(state)
        features = (join_states(states) or UserState()).features(query_millis, self._catalog.item_columns())
        features.visitor.CopyFrom(visitor_from_key(key))
        features.catalog_version = self._catalog.version
        return features

    def _state(self, events: Iterable[LoggedEvent]) -> UserState | None:
        state = None
        # As the materializer met them: so that sums come out the same to the last bit.
        for logged in sorted(events, key=lambda event: event.offset):
            if logged.erased or logged.flags:
                continue
            state = state or UserState()
            item_id = logged.event.item_id
            state.apply(observe(logged.event, (self._catalog.item_no(item_id) or 0) if item_id else 0))
        return state
