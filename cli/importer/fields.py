from dataclasses import dataclass
from enum import Enum


class Values(Enum):
    """What the values of a field are, and so how they are read. The text says it in docs/import.md."""

    ID = "id, as it stands"
    TEXT = "text"
    MONEY = "amount of money"
    NUMBER = "number"
    QUANTITY = "quantity"
    WHOLE = "whole number"
    FRACTION = "0 to 1, or per cent"
    FLAG = "yes or no"
    TIME = "time"
    CURRENCY = "currency code"
    CHOICE = "one of a few words"
    TEXTS = "list of texts"
    CATEGORIES = "category path"
    ATTRIBUTE = "attribute"
    CONTEXT = "text, kept as context"


@dataclass(frozen=True, slots=True)
class Field:
    """Something that a row can say.

    Args:
        name: its name in the contract, and in `--map` and `--missing`.
        values: what its values are.
        synonyms: other names of columns that are taken for it. Of two columns in one file the one that stands first
            here is taken; the field's own name stands before all.
        required: a row without it is left out, unless another policy is given.
        choices: CHOICE: the contract's number of each word.
    """

    name: str
    values: Values
    synonyms: tuple[str, ...] = ()
    required: bool = False
    choices: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Kind:
    """What the rows of a file are: items, users or events.

    Args:
        name: "items", "users" or "events".
        fields: what its rows can say.
        attribute_prefixes: columns whose names begin with one of these are attributes (for events, context).
        any_of: fields of which every row has at least one.
    """

    name: str
    fields: tuple[Field, ...]
    attribute_prefixes: tuple[str, ...]
    any_of: tuple[str, ...] = ()

    def field(self, name: str) -> Field:
        """The field of that name.

        Raises:
            KeyError: there is none.
        """
        for field in self.fields:
            if field.name == name:
                return field
        raise KeyError(name)
