from services.common.visitors import visitor_from_key
from services.features.catalog.catalog import Catalog
from services.features.definitions.user_state import UserState
from services.features.materializer.ledger import Ledger
from services.features.users.consent import is_personal, stricter
from services.features.users.users import Users
from vitrine.common.v1.visitor_pb2 import CONSENT_UNSPECIFIED, Consent
from vitrine.features.v1.user_features_pb2 import FEATURE_STATUS_MISSING, UserFeatures


class UserFeatureReader:
    """Puts together all that may be said of a visitor: state, attributes, consent."""

    def __init__(self, users: Users, ledger: Ledger, catalog: Catalog) -> None:
        self._users = users
        self._ledger = ledger
        self._catalog = catalog

    async def read(self, key: str, visit_consent: Consent.ValueType, query_millis: int) -> UserFeatures:
        """Returns a visitor's features as of a time. Where consent is below PERSONAL nothing personal is in them."""
        key = self._users.resolve(key)
        known = (await self._users.find([key])).get(key)
        stored_consent = known.message.consent if known is not None else CONSENT_UNSPECIFIED
        consent = stricter(stored_consent, visit_consent)
        personal = is_personal(consent)
        state = await self._ledger.states.find(key) if personal else None
        features = (state or UserState()).features(query_millis, self._catalog.item_columns())
        features.visitor.CopyFrom(visitor_from_key(key))
        features.consent = consent
        if personal and known is not None:
            features.attributes.MergeFrom(known.message.attributes)
        if features.attributes:
            features.known = True
        else:
            features.states.add(feature="attributes", status=FEATURE_STATUS_MISSING)
        return features
