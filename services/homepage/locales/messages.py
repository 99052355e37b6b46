"""The texts of a language: one for each shelf kind and each reason kind."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Messages:
    """The texts of one language. Keys are enum names without their prefix.

    Attributes:
        titles: shelf titles by shelf kind; {category} is the last name of the shelf's category path.
        titles_plain: the same if the shelf's category is unknown.
        because: titles of BECAUSE_YOU shelves by reason kind; {item} is the evidence item's title.
        because_plain: the same if that title is unknown.
        reasons: by reason kind, with one of {item}, {category}, {brand} and {count}.
        reasons_plain: the same if that value is unknown, or if the count is below 2.
        similar: title of a shelf of items similar to {item}.
    """

    titles: Mapping[str, str]
    titles_plain: Mapping[str, str]
    because: Mapping[str, str]
    because_plain: str
    reasons: Mapping[str, str]
    reasons_plain: Mapping[str, str]
    similar: str
