from datetime import timedelta
from typing import ClassVar, Final

from services.common import event_types
from services.common.feature_declaration import FeatureDeclaration
from services.features.definitions.marks import Marks
from services.features.definitions.observation import Observation
from vitrine.features.v1.stored_user_state_pb2 import StoredUserState
from vitrine.features.v1.user_features_pb2 import UserFeatures

MAXIMUM_SUBJECTS: Final = 1_000


class Follows:
    """The creators, brands and topics that the user follows."""

    DECLARATION: ClassVar = FeatureDeclaration(
        name="follows",
        description="What the user follows, the newest first.",
        default="nothing",
        window=f"the last {MAXIMUM_SUBJECTS} subjects followed or left",
        unit="subjects",
        freshness=timedelta(minutes=5),
    )

    __slots__ = ("_marks",)

    def __init__(self) -> None:
        self._marks: Marks[str] = Marks(MAXIMUM_SUBJECTS)

    def apply(self, observation: Observation) -> None:
        """Notes a FOLLOW or UNFOLLOW: of one subject the last one by time holds."""
        if observation.subject is not None:
            followed = int(observation.type == event_types.FOLLOW)
            self._marks.add(observation.subject, (observation.event_millis, observation.tie_break, followed))

    def merge(self, other: "Follows") -> None:
        """Joins what two visitors, who are one person, follow."""
        self._marks.merge(other._marks)

    def write(self, features: UserFeatures) -> None:
        """Fills `features.follows`."""
        for subject in self._marks.set_keys():
            kind, _, subject_id = subject.partition(":")
            follow = features.follows.add(subject_id=subject_id)
            follow.kind = int(kind)  # type: ignore[assignment]  # the stubs' own type for enumerations

    def save(self, stored: StoredUserState) -> None:
        """Writes the subjects into the storage format."""
        self._marks.save(stored.follows)

    def load(self, stored: StoredUserState) -> None:
        """Reads the subjects from the storage format."""
        self._marks.load_texts(stored.follows)
