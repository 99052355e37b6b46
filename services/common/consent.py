from typing import Final

from vitrine.common.v1.visitor_pb2 import CONSENT_PERSONAL, CONSENT_UNSPECIFIED, Consent

_PERSONAL: Final = frozenset({CONSENT_UNSPECIFIED, CONSENT_PERSONAL})


def stricter(*consents: Consent.ValueType) -> Consent.ValueType:
    """Returns the consent that applies: the strictest one that is set, or PERSONAL if none is."""
    said = [consent for consent in consents if consent != CONSENT_UNSPECIFIED]
    return min(said, default=CONSENT_PERSONAL)


def is_personal(consent: Consent.ValueType) -> bool:
    """Returns whether the visitor's actions may be kept and used to personalize. An unknown value allows nothing."""
    return consent in _PERSONAL
