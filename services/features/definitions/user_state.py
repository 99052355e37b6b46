from typing import Final

from services.common import event_types
from services.features.definitions.affinities import BrandAffinities, CategoryAffinities
from services.features.definitions.dislikes import Dislikes
from services.features.definitions.follows import Follows
from services.features.definitions.impressions import Impressions
from services.features.definitions.item_columns import ItemColumns
from services.features.definitions.item_counters import ItemCounters
from services.features.definitions.observation import Observation
from services.features.definitions.price_profile import PriceProfile
from services.features.definitions.recent_events import RecentEvents
from services.features.definitions.search_texts import SearchTexts
from services.features.definitions.tally import Tally
from vitrine.features.v1.stored_user_state_pb2 import StoredUserState
from vitrine.features.v1.user_features_pb2 import FEATURE_STATUS_MISSING, UserFeatures

FEATURES: Final = (
    RecentEvents,
    ItemCounters,
    CategoryAffinities,
    BrandAffinities,
    PriceProfile,
    Impressions,
    Follows,
    SearchTexts,
    Dislikes,
)
"""Every feature made from events, in the order of UserFeatures."""

DECLARATIONS: Final = tuple(feature.DECLARATION for feature in FEATURES)


class UserState:
    """All that events say of one user: the same, whatever the order they came in (decayed sums to rounding).

    It counts what it is given: that each event is given once is the log's and the materializer's work. Serving and
    training both build it with `apply` and read it with `features`, so that the two cannot differ.
    """

    __slots__ = (
        "counters",
        "dislikes",
        "event_count",
        "follows",
        "impressions",
        "recent",
        "searches",
        "uncounted_events",
    )

    def __init__(self) -> None:
        self.event_count = 0
        self.uncounted_events = 0
        """Events on items for which there was no room."""
        self.recent = RecentEvents()
        self.counters = ItemCounters()
        self.impressions = Impressions()
        self.follows = Follows()
        self.searches = SearchTexts()
        self.dislikes = Dislikes()

    def apply(self, observation: Observation) -> list[Tally]:
        """Counts one event; returns what it changes in the statistics of its item."""
        self.event_count += 1
        kind = observation.type
        if kind == event_types.IMPRESSION:
            self.impressions.apply(observation)
            return [Tally(observation.item_no, kind, observation.event_millis, 1)]
        self.recent.apply(observation)
        if observation.item_no:
            if kind == event_types.DISLIKE:
                self.dislikes.apply(observation)
            if self.counters.has_room(observation.item_no):
                return self.counters.apply(observation)
            self.uncounted_events += 1
            return []
        if kind == event_types.SEARCH:
            self.searches.apply(observation)
        else:
            self.follows.apply(observation)
        return []

    def merge(self, other: "UserState") -> None:
        """Joins the history of a visitor who turned out to be this user: as if all events had been this user's."""
        self.event_count += other.event_count
        self.uncounted_events += other.uncounted_events
        self.recent.merge(other.recent)
        self.uncounted_events += self.counters.merge(other.counters)
        self.impressions.merge(other.impressions)
        self.follows.merge(other.follows)
        self.searches.merge(other.searches)
        self.dislikes.merge(other.dislikes)

    def features(self, query_millis: int, items: ItemColumns | None = None) -> UserFeatures:
        """Returns the features as of a time, milliseconds since 1970, with a state for each that is missing.

        Without `items` the affinities are missing. Who the visitor is, the consent, attributes and offsets are not
        known here and left to the caller.
        """
        features = UserFeatures(known=self.event_count > 0, query_time_millis=query_millis)
        features.event_count = self.event_count
        self.recent.write(features)
        net = self.counters.net_actions()
        self.counters.write(features, query_millis, net)
        PriceProfile.write(features, net)
        self.impressions.write(features, self.counters, query_millis)
        self.follows.write(features)
        self.searches.write(features)
        self.dislikes.write(features)
        if items is not None and len(self.counters):
            item_nos, strengths = self.counters.strengths(query_millis, net)
            CategoryAffinities.write(features, item_nos, strengths, items)
            BrandAffinities.write(features, item_nos, strengths, items)
        for name in missing_features(features):
            features.states.add(feature=name, status=FEATURE_STATUS_MISSING)
        return features

    def to_bytes(self) -> bytes:
        """Returns the state in its storage format."""
        stored = StoredUserState(event_count=self.event_count, uncounted_event_count=self.uncounted_events)
        for part in self._parts():
            part.save(stored)
        return stored.SerializeToString()

    @classmethod
    def from_bytes(cls, data: bytes) -> "UserState":
        """Returns the state that `to_bytes` wrote."""
        stored = StoredUserState.FromString(data)
        state = cls()
        state.event_count = stored.event_count
        state.uncounted_events = stored.uncounted_event_count
        for part in state._parts():
            part.load(stored)
        return state

    def _parts(self) -> tuple[RecentEvents, ItemCounters, Impressions, Follows, SearchTexts, Dislikes]:
        return self.recent, self.counters, self.impressions, self.follows, self.searches, self.dislikes


def missing_features(features: UserFeatures) -> list[str]:
    """Returns the names of the features made from events of which nothing is known."""
    present = {
        "recent": bool(features.recent.item_nos),
        "counters": bool(features.counters.item_nos),
        "category_affinities": bool(features.category_affinities.nos),
        "brand_affinities": bool(features.brand_affinities.nos),
        "prices": features.prices.count > 0,
        "impressions": bool(features.impressions.item_nos),
        "follows": bool(features.follows),
        "search_texts": bool(features.search_texts),
        "disliked_item_nos": bool(features.disliked_item_nos),
    }
    return [name for name, known in present.items() if not known]
