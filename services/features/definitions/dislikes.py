from datetime import timedelta
from typing import ClassVar, Final

from services.common.feature_declaration import FeatureDeclaration
from services.features.definitions.marks import Marks
from services.features.definitions.observation import Observation
from vitrine.features.v1.stored_user_state_pb2 import StoredUserState
from vitrine.features.v1.user_features_pb2 import UserFeatures

MAXIMUM_ITEMS: Final = 5_000


class Dislikes:
    """Items that the user said are not wanted."""

    DECLARATION: ClassVar = FeatureDeclaration(
        name="disliked_item_nos",
        description="Numbers of the items that the user does not want, by number.",
        default="no items",
        window=f"the last {MAXIMUM_ITEMS} items",
        unit="items",
        freshness=timedelta(minutes=5),
    )

    __slots__ = ("_marks",)

    def __init__(self) -> None:
        self._marks: Marks[int] = Marks(MAXIMUM_ITEMS)

    def apply(self, observation: Observation) -> None:
        """Notes a DISLIKE."""
        if observation.item_no:
            self._marks.add(observation.item_no, (observation.event_millis, observation.tie_break, 1))

    def merge(self, other: "Dislikes") -> None:
        """Joins the dislikes of two visitors who are one person."""
        self._marks.merge(other._marks)

    def write(self, features: UserFeatures) -> None:
        """Fills `features.disliked_item_nos`."""
        features.disliked_item_nos.extend(sorted(self._marks.set_keys()))

    def save(self, stored: StoredUserState) -> None:
        """Writes the items into the storage format."""
        self._marks.save(stored.dislikes)

    def load(self, stored: StoredUserState) -> None:
        """Reads the items from the storage format."""
        self._marks.load_numbers(stored.dislikes)
