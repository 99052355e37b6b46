from datetime import timedelta
from typing import ClassVar, Final

from services.common.feature_declaration import FeatureDeclaration
from services.features.definitions.marks import Marks
from services.features.definitions.observation import Observation
from vitrine.features.v1.stored_user_state_pb2 import StoredUserState
from vitrine.features.v1.user_features_pb2 import UserFeatures

MAXIMUM_TEXTS: Final = 20


class SearchTexts:
    """What the user searched for last; a text that was searched for again stands once, where it was last."""

    DECLARATION: ClassVar = FeatureDeclaration(
        name="search_texts",
        description="Different texts that the user searched for, newest first.",
        default="no texts",
        window=f"the last {MAXIMUM_TEXTS} texts",
        unit="texts",
        freshness=timedelta(minutes=5),
    )

    __slots__ = ("_marks",)

    def __init__(self) -> None:
        self._marks: Marks[str] = Marks(MAXIMUM_TEXTS)

    def apply(self, observation: Observation) -> None:
        """Notes a SEARCH."""
        if observation.search_text:
            self._marks.add(observation.search_text, (observation.event_millis, observation.tie_break, 1))

    def merge(self, other: "SearchTexts") -> None:
        """Joins the searches of two visitors who are one person."""
        self._marks.merge(other._marks)

    def write(self, features: UserFeatures) -> None:
        """Fills `features.search_texts`."""
        features.search_texts.extend(self._marks.set_keys())

    def save(self, stored: StoredUserState) -> None:
        """Writes the texts into the storage format."""
        self._marks.save(stored.searches)

    def load(self, stored: StoredUserState) -> None:
        """Reads the texts from the storage format."""
        self._marks.load_texts(stored.searches)
