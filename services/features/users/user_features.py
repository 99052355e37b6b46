from collections.abc import Callable
from datetime import timedelta
from typing import Final

from services.common.consent import is_personal, stricter
from services.common.feature_declaration import FeatureDeclaration
from services.common.visitors import visitor_from_key
from services.features.catalog.catalog import Catalog
from services.features.definitions.user_state import DECLARATIONS, UserState
from services.features.materializer.ledger import Ledger
from services.features.materializer.user_states import join_states
from services.features.users.users import Users
from vitrine.common.v1.visitor_pb2 import CONSENT_UNSPECIFIED, Consent
from vitrine.events.v1.event_service_pb2 import PartitionOffset
from vitrine.features.v1.user_features_pb2 import FEATURE_STATUS_MISSING, FEATURE_STATUS_STALE, UserFeatures

ATTRIBUTES: Final = FeatureDeclaration(
    name="attributes",
    description="What the shop said of the user, such as age band or region; each attribute has one declared type.",
    default="no attributes",
)


class UserFeatureReader:
    """Puts together all that may be said of a visitor: state, attributes, consent."""

    def __init__(self, users: Users, ledger: Ledger, catalog: Catalog, log_age: Callable[[], timedelta]) -> None:
        """`log_age` says for how long the log was not read to its end."""
        self._users = users
        self._ledger = ledger
        self._catalog = catalog
        self._log_age = log_age

    @property
    def catalog_version(self) -> int:
        """The catalog's version that affinities are derived with."""
        return self._catalog.version

    async def read(self, key: str, visit_consent: Consent.ValueType, query_millis: int) -> UserFeatures:
        """Returns a visitor's features as of a time. Where consent is below PERSONAL nothing personal is in them."""
        key = self._users.resolve(key)
        known = (await self._users.find([key])).get(key)
        stored_consent = known.message.consent if known is not None else CONSENT_UNSPECIFIED
        consent = stricter(stored_consent, visit_consent)
        personal = is_personal(consent)
        states, offsets = await self._ledger.find(self._users.members_of(key) if personal else [])
        state = join_states(list(states.values()))
        features = (state or UserState()).features(query_millis, self._catalog.item_columns())
        features.visitor.CopyFrom(visitor_from_key(key))
        features.consent = consent
        features.catalog_version = self._catalog.version
        if personal and known is not None:
            features.attributes.MergeFrom(known.message.attributes)
        if features.attributes:
            features.known = True
        else:
            features.states.add(feature=ATTRIBUTES.name, status=FEATURE_STATUS_MISSING)
        _mark_stale(features, self._log_age())
        features.applied_offsets.extend(PartitionOffset(partition=no, offset=offsets[no]) for no in sorted(offsets))
        return features


def _mark_stale(features: UserFeatures, log_age: timedelta) -> None:
    """Says of the features made from events which are older than they may be. What is missing stays missing."""
    missing = {state.feature for state in features.states}
    for declaration in DECLARATIONS:
        allowed = declaration.freshness
        if allowed is not None and log_age > allowed and declaration.name not in missing:
            features.states.add(feature=declaration.name, status=FEATURE_STATUS_STALE)
