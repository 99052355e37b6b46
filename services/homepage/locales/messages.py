"""What a language says: one message a shelf kind and a reason kind."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Messages:
    """The texts of one language.

    Attributes:
        titles: by shelf kind without prefix; {category} is the last name of the shelf's category.
        because: titles of BECAUSE_YOU shelves by reason kind without prefix; {item} is the evidence's title.
        because_plain: the same where the evidence's title is not known.
        reasons: by reason kind without prefix; {item}, {category}, {brand}, {count}.
        reasons_plain: the same where what a reason names is not known, or where it counts one.
        similar: title of a shelf of items like {item}.
    """

    titles: Mapping[str, str]
    because: Mapping[str, str]
    because_plain: str
    reasons: Mapping[str, str]
    reasons_plain: Mapping[str, str]
    similar: str
