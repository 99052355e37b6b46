from functools import cache
from typing import Final

from babel.core import get_global

_WITHOUT_TERRITORY: Final = frozenset({"SVC", "VED"})
"""Active codes of ISO 4217 that CLDR counts as nobody's legal tender: El Salvador's colón, Venezuela's second code."""


@cache
def currency_codes() -> frozenset[str]:
    """Returns the codes of ISO 4217 in circulation: legal tender somewhere with no end set, by CLDR's data.

    Codes of funds, metals and testing aren't among them; those that ended, such as BGN and ANG, aren't either.
    """
    territories = get_global("territory_currencies")
    current = (
        code for periods in territories.values() for code, _, end, is_tender in periods if is_tender and end is None
    )
    return frozenset(current) | _WITHOUT_TERRITORY
