import re
from dataclasses import dataclass
from enum import Enum

_SPACES = " \u00a0\u2007\u202f"
# U+2212 is the minus sign of typeset text.
_MINUS = "-\u2212"
_SIGN = rf"[+\{_MINUS}]"
_NUMBER = re.compile(
    rf"(?P<sign>{_SIGN}?)\s*(?P<before>[^\d\s.,+\{_MINUS}]*)\s*(?P<inner_sign>{_SIGN}?)"
    rf"(?P<digits>[.,]?\d(?:[\d.,'’{_SPACES}]*\d)?[.,]?)"
    r"(?P<exponent>[eE][+\-]?\d{1,3})?\s*(?P<after>[^\d]*)"
)
# Thousands in threes; India writes 12,34,567.
_GROUPED = re.compile(rf"\d{{1,3}}(?:(?P<mark>[.,'’{_SPACES}])(?:\d{{2,3}}(?P=mark))*\d{{3}})?")
_NO_CENTS = re.compile(r"[.,][-–—]{1,2}")


class Separator(Enum):
    """The separator of a number's integer part and its decimals."""

    POINT = "."
    COMMA = ","
    UNKNOWN = "either"
    """1.299 and 1,299 are either; other numbers of the column may tell."""
    NONE = ""
    """There is nothing to tell by."""


@dataclass(frozen=True, slots=True)
class NumberText:
    """A number as it was read.

    Args:
        value: the number.
        unit: what stood before or after it: a currency, a unit, or nothing.
    """

    value: float
    unit: str


class NotANumberError(ValueError):
    """A text is no number. The message goes on from the text and names the remedy."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(remedy)
        self.reason = reason
        self.remedy = remedy


def separator_in(text: str) -> Separator:
    """What a number's text alone says about the decimal separator of its column. Where both stand, it is the last
    one; one that stands twice parts thousands; one with three digits behind it and up to three before it is either.
    """
    match = _match(text)
    return _separator(match["digits"]) if match else Separator.NONE


def read_number(text: str, decimal: Separator) -> NumberText:
    """Reads a number with thousands separators, sign, exponent, and a currency or a unit on one side of it.

    Args:
        text: such as "1.299,00 €", "-$5", "1 299.5", "500 g", "1e-3".
        decimal: its column's decimal separator; UNKNOWN: every number speaks for itself.

    Raises:
        NotANumberError: it is none, or it is not clear which.
    """
    match = _match(text)
    if match is None or (match["sign"] and match["inner_sign"]) or (match["before"] and match["after"]):
        raise NotANumberError("NUMBER_UNREADABLE", "isn't a number; write it like 1299.00, at most with a unit")
    digits, own = match["digits"], _separator(match["digits"])
    if own is Separator.UNKNOWN and decimal is Separator.UNKNOWN:
        raise NotANumberError(
            "NUMBER_AMBIGUOUS", "may have thousands or decimals, and its column has both forms; say --decimal . or ,"
        )
    if own in {Separator.UNKNOWN, Separator.NONE}:
        own = decimal if decimal is not Separator.UNKNOWN else Separator.POINT
    elif decimal in {Separator.POINT, Separator.COMMA} and own is not decimal:
        raise NotANumberError(
            "NUMBER_UNREADABLE", f"isn't a number whose decimal separator is {decimal.value!r}; see --decimal"
        )
    whole, _, decimals = digits.rpartition(own.value) if own.value in digits else (digits, "", "")
    if not (whole.isdigit() or not whole or _GROUPED.fullmatch(whole)) or not (decimals.isdigit() or not decimals):
        raise NotANumberError("NUMBER_UNREADABLE", "has separators in odd places; write it like 1299.00")
    plain = "".join(character for character in whole if character.isdigit()) or "0"
    value = float(f"{plain}.{decimals or '0'}{match['exponent'] or ''}")
    negative = (match["sign"] or match["inner_sign"] or "+") in _MINUS
    return NumberText(-value if negative else value, (match["before"] or match["after"]).strip())


def _match(text: str) -> re.Match[str] | None:
    # "5,-" and "5.–": no cents.
    return _NUMBER.fullmatch(_NO_CENTS.sub("", text.strip(), count=1))


def _separator(digits: str) -> Separator:
    points, commas = digits.count("."), digits.count(",")
    if points and commas:
        return Separator.POINT if digits.rindex(".") > digits.rindex(",") else Separator.COMMA
    if not points and not commas:
        return Separator.NONE
    own, other = (Separator.POINT, Separator.COMMA) if points else (Separator.COMMA, Separator.POINT)
    if points + commas > 1:
        return other
    whole, _, decimals = digits.partition(own.value)
    either = len(decimals) == 3 and 1 <= len(whole) <= 3 and whole.isdigit() and not whole.startswith("0")
    return Separator.UNKNOWN if either else own
