from cli.importer.attribute_types import UNITS
from cli.importer.number_text import NotANumberError

SYMBOLS = {
    "€": "EUR",
    "$": "USD",
    "US$": "USD",
    "£": "GBP",
    "¥": "JPY",
    "₹": "INR",
    "₩": "KRW",
    "₽": "RUB",
    "₺": "TRY",
    "₫": "VND",
    "฿": "THB",
    "₪": "ILS",
    "R$": "BRL",
    "zł": "PLN",
    "Kč": "CZK",
    "Ft": "HUF",
    "A$": "AUD",
    "C$": "CAD",
}
PIECES = ("x", "×", "pc", "pcs", "piece", "pieces", "unit", "units", "st", "stk", "ea")
# Goods by weight and volume are counted in kilograms and liters.
QUANTITIES = {**dict.fromkeys(PIECES, 1.0), "kg": 1.0, "g": 0.001, "mg": 1e-6, "l": 1.0, "cl": 0.01, "ml": 0.001}


def currency_of(unit: str) -> str:
    """The ISO 4217 code that stands beside an amount of money as a symbol or a code.

    Raises:
        NotANumberError: it is none.
    """
    if unit in SYMBOLS:
        return SYMBOLS[unit]
    if len(unit) == 3 and unit.isascii() and unit.isalpha():
        return unit.upper()
    raise NotANumberError("CURRENCY_UNKNOWN", f"has {unit!r} beside it, which isn't a currency; write a code like EUR")


def quantity_factor(unit: str) -> float:
    """What a quantity is to be multiplied by: pieces count as they are, weights in kilograms, volumes in liters.

    Raises:
        NotANumberError: there is no such unit.
    """
    factor = QUANTITIES.get(unit.casefold().rstrip("."))
    if factor is None:
        raise NotANumberError("UNIT_UNKNOWN", f"has the unit {unit!r}; write pieces, g, kg, ml or l, or no unit")
    return factor


def unit_factor(unit: str, wanted: str) -> float:
    """What a measure is to be multiplied by to be in another unit.

    Raises:
        NotANumberError: there is no such unit, or it measures something else.
    """
    dimension, size = UNITS[wanted]
    known = UNITS.get(unit.casefold().rstrip("."))
    if known is None or known[0] != dimension:
        names = ", ".join(name for name, (of, _) in UNITS.items() if of == dimension)
        raise NotANumberError("UNIT_UNKNOWN", f"has the unit {unit!r}; write {names}, or none for {wanted}")
    return known[1] / size


def fraction_factor(unit: str) -> float:
    """What a fraction is to be multiplied by: per cent are hundredths.

    Raises:
        NotANumberError: there is no such unit.
    """
    if unit != "%":
        raise NotANumberError("UNIT_UNKNOWN", f"has the unit {unit!r}; write 0 to 1, or per cent with %")
    return 0.01


def no_unit(unit: str) -> float:
    """Plain numbers have none.

    Raises:
        NotANumberError: always.
    """
    raise NotANumberError("NUMBER_UNREADABLE", f"has {unit!r} beside it; write the number alone")
