from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from cli.errors import CommandError, ExitCode
from cli.importer.columns import ATTRIBUTE
from cli.importer.fields import Kind, Values
from cli.importer.maps import find_field

OF_NUMBERS = frozenset({Values.MONEY, Values.NUMBER, Values.QUANTITY, Values.WHOLE, Values.FRACTION})


class Remedy(Enum):
    """What becomes of a row that does not have a value."""

    LEAVE_OUT = "leave-out"
    ABSENT = "absent"
    DEFAULT = "default"
    MEDIAN = "median"
    MODE = "mode"


@dataclass(frozen=True, slots=True)
class Policy:
    """The declared policy of one field.

    Args:
        remedy: what becomes of a row that has no value.
        default: DEFAULT: the value, as it would stand in the file.
    """

    remedy: Remedy
    default: str = ""

    @property
    def needs_statistics(self) -> bool:
        """Whether all of the file is to be known before the first row can be filled."""
        return self.remedy in {Remedy.MEDIAN, Remedy.MODE}


LEAVE_OUT = Policy(Remedy.LEAVE_OUT)
ABSENT = Policy(Remedy.ABSENT)


def policies_of(kind: Kind, said: Mapping[str, str], kinds: Sequence[Kind]) -> dict[str, Policy]:
    """The policy of each field of a kind that does not simply stay absent. A row without a required field is left out
    unless something else was said.

    Args:
        kind: what the rows are.
        said: policies by field, as they were said.
        kinds: all kinds that are imported: a field is of at least one of them.

    Raises:
        CommandError: there is no such field or policy, or the policy does not fit the field.
    """
    policies = {field.name: LEAVE_OUT for field in kind.fields if field.required}
    for name, text in said.items():
        field, of_kinds = find_field(name, kinds, option="--missing")
        policy = _parse(name, text)
        for known in of_kinds:
            _check_fit(name, field, known, policy)
        if kind in of_kinds:
            policies[field] = policy
    return policies


def _parse(name: str, text: str) -> Policy:
    word, colon, default = text.partition(":")
    try:
        remedy = Remedy(word)
    except ValueError:
        remedy = None
    if remedy is None or (remedy is Remedy.DEFAULT) != bool(colon):
        raise CommandError(
            f"--missing {name}={text}: there is no policy {text!r}; "
            "there are leave-out, absent, default:VALUE, median, mode",
            ExitCode.USAGE,
        )
    return Policy(remedy, default)


def _check_fit(name: str, field: str, kind: Kind, policy: Policy) -> None:
    if field.startswith(ATTRIBUTE):
        return
    values = kind.field(field).values
    if policy.remedy is Remedy.MEDIAN and values not in OF_NUMBERS:
        raise CommandError(f"--missing {name}=median: only numbers have a median; mode is for all", ExitCode.USAGE)
    if policy.needs_statistics and values is Values.ID:
        raise CommandError(
            f"--missing {name}={policy.remedy.value}: an id cannot be guessed; say leave-out", ExitCode.USAGE
        )
