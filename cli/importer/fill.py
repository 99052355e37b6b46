from collections import Counter
from collections.abc import Mapping
from typing import Any

from cli.importer.columns import ATTRIBUTE
from cli.importer.faults import Fault
from cli.importer.fields import Kind
from cli.importer.missing import Policy, Remedy
from cli.importer.rows import Rows


class Filler:
    """Does with rows that lack a value what the field's policy says, and counts them.

    Args:
        kind: what the rows are.
        policies: policies by field; what has none stays absent.
        fills: what missing values become, by field.
    """

    def __init__(self, kind: Kind, policies: Mapping[str, Policy], fills: Mapping[str, Any]) -> None:
        self._kind = kind
        self._policies = policies
        self._fills = fills

    def fill(self, rows: Rows, missing: Counter[str]) -> list[Fault]:
        """Fills rows in place.

        Args:
            rows: the rows.
            missing: counts the values that the file lacks, by field.

        Returns:
            What is wrong with those that are left out.
        """
        unreadable = frozenset(rows.left_out)
        for name in self._fills:
            if not name.startswith(ATTRIBUTE) and name not in rows.fields:
                rows.fields[name] = [None] * len(rows)
        faults: list[Fault] = []
        attributes = {ATTRIBUTE + name: values for name, values in rows.attributes.items()}
        for name, values in {**rows.fields, **attributes}.items():
            lacking = [row for row, value in enumerate(values) if value is None and row not in unreadable]
            if lacking:
                missing[name] += len(lacking)
                faults += self._treat(name, values, lacking, rows)
        return faults + self._none_of(rows, unreadable)

    def _treat(self, name: str, values: list[Any], lacking: list[int], rows: Rows) -> list[Fault]:
        policy = self._policies.get(name)
        if policy is None or policy.remedy is Remedy.ABSENT:
            return []
        if policy.remedy is Remedy.LEAVE_OUT:
            rows.left_out.update(lacking)
            remedy = f"is missing; write it, or say --missing {name}=default:VALUE"
            return [Fault(rows.lines[row], name, "", "FIELD_REQUIRED", remedy) for row in lacking]
        for row in lacking:
            values[row] = self._fills.get(name)
        return []

    def _none_of(self, rows: Rows, unreadable: frozenset[int]) -> list[Fault]:
        names = self._kind.any_of
        if not names:
            return []
        faults = []
        for row, values in enumerate(zip(*(rows.column(name) for name in names), strict=True)):
            if row not in unreadable and not any(values):
                rows.left_out.add(row)
                remedy = f"has none of {' and '.join(names)}; write one"
                faults.append(Fault(rows.lines[row], names[0], "", "FIELD_REQUIRED", remedy))
        return faults
