from typing import Final

from vitrine.common.v1.visitor_pb2 import CONSENT_PERSONAL, CONSENT_UNSPECIFIED, Consent

_PERSONAL: Final = frozenset({CONSENT_UNSPECIFIED, CONSENT_PERSONAL})


def stricter(*consents: Consent.ValueType) -> Consent.ValueType:
    """Returns the consent that holds: the strictest that was said; PERSONAL where none was."""
    said = [consent for consent in consents if consent != CONSENT_UNSPECIFIED]
    return min(said, default=CONSENT_PERSONAL)


def is_personal(consent: Consent.ValueType) -> bool:
    """Returns whether what the visitor does may be kept and shape the page. What nobody knows the meaning of allows
    nothing.
    """
    return consent in _PERSONAL
