from datetime import timedelta
from typing import ClassVar, Final

from services.common.feature_declaration import FeatureDeclaration
from services.features.definitions.entries import Entries
from services.features.definitions.observation import Observation
from vitrine.features.v1.stored_user_state_pb2 import StoredUserState
from vitrine.features.v1.user_features_pb2 import UserFeatures

MAXIMUM_EVENTS: Final = 512


class RecentEvents:
    """The last things the user did, impressions apart: the behavior model's history."""

    DECLARATION: ClassVar = FeatureDeclaration(
        name="recent",
        description="The last events of all types but IMPRESSION, oldest first.",
        default="no events",
        window=f"the last {MAXIMUM_EVENTS} events",
        unit="events; times in milliseconds since 1970",
        freshness=timedelta(minutes=1),
    )

    __slots__ = ("_entries",)

    def __init__(self) -> None:
        self._entries = Entries(MAXIMUM_EVENTS)

    def __len__(self) -> int:
        return len(self._entries)

    def apply(self, observation: Observation) -> None:
        """Appends an event where its time puts it."""
        self._entries.add((observation.event_millis, observation.tie_break, observation.item_no, observation.type))

    def merge(self, other: "RecentEvents") -> None:
        """Joins two histories."""
        self._entries.merge(other._entries)

    def write(self, features: UserFeatures) -> None:
        """Fills `features.recent`."""
        millis, _, item_nos, types = self._entries.columns()
        recent = features.recent
        recent.item_nos.extend(item_nos)
        # The stubs give enumerations types of their own; on the wire and here they are numbers.
        recent.types.extend(types)  # type: ignore[arg-type]
        recent.event_times_millis.extend(millis)

    def save(self, stored: StoredUserState) -> None:
        """Writes the history into the storage format."""
        self._entries.save(stored.recent)

    def load(self, stored: StoredUserState) -> None:
        """Reads the history from the storage format."""
        self._entries.load(stored.recent)
