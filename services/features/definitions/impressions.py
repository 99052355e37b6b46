from datetime import timedelta
from typing import ClassVar, Final

from services.common.feature_declaration import FeatureDeclaration
from services.features.definitions import decay
from services.features.definitions.entries import Entries
from services.features.definitions.item_counters import ItemCounters
from services.features.definitions.observation import Observation
from vitrine.features.v1.stored_user_state_pb2 import StoredUserState
from vitrine.features.v1.user_features_pb2 import UserFeatures

MAXIMUM_IMPRESSIONS: Final = 2_048
WINDOW_DAYS: Final = 14


class Impressions:
    """What the user was shown and didn't interact with. After an interaction with an item its count starts over."""

    DECLARATION: ClassVar = FeatureDeclaration(
        name="impressions",
        description="How often and when last each item was on the screen since the user last dealt with it.",
        default="no impressions",
        window=f"{WINDOW_DAYS} days; the last {MAXIMUM_IMPRESSIONS} impressions",
        unit="impressions; times in milliseconds since 1970",
        freshness=timedelta(minutes=1),
    )

    __slots__ = ("_entries",)

    def __init__(self) -> None:
        self._entries = Entries(MAXIMUM_IMPRESSIONS)

    def apply(self, observation: Observation) -> None:
        """Counts an impression."""
        if observation.item_no:
            self._entries.add((observation.event_millis, observation.tie_break, observation.item_no, observation.type))

    def merge(self, other: "Impressions") -> None:
        """Joins what two visitors, who are one person, were shown."""
        self._entries.merge(other._entries)

    def write(self, features: UserFeatures, counters: ItemCounters, query_millis: int) -> None:
        """Fills `features.impressions`, by item_no."""
        begin = query_millis - WINDOW_DAYS * decay.MILLIS_PER_DAY
        shown: dict[int, tuple[int, int]] = {}
        interacted: dict[int, int] = {}
        for millis, _, item_no, _ in self._entries:
            if not begin < millis <= query_millis:
                continue
            if item_no not in interacted:
                last = counters.last_event_millis(item_no)
                interacted[item_no] = begin if last is None else last
            if millis > interacted[item_no]:
                count = shown[item_no][0] if item_no in shown else 0
                shown[item_no] = (count + 1, millis)  # oldest first: the last one stays
        impressions = features.impressions
        for item_no in sorted(shown):
            count, last_millis = shown[item_no]
            impressions.item_nos.append(item_no)
            impressions.counts.append(count)
            impressions.last_millis.append(last_millis)

    def save(self, stored: StoredUserState) -> None:
        """Writes the impressions into the storage format."""
        self._entries.save(stored.impressions)

    def load(self, stored: StoredUserState) -> None:
        """Reads the impressions from the storage format."""
        self._entries.load(stored.impressions)
