from collections.abc import Callable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from cli.importer.attribute_types import AttributeType
from cli.importer.attributes import clean_attribute, type_of
from cli.importer.categories import clean_categories
from cli.importer.chunk import Chunk
from cli.importer.columns import ATTRIBUTE, ColumnMap
from cli.importer.faults import Cleaned, Fault, shown
from cli.importer.fields import Field, Kind, Values
from cli.importer.numbers import clean_money, clean_numbers
from cli.importer.options import ImportOptions
from cli.importer.rows import Rows
from cli.importer.survey import Survey
from cli.importer.texts import clean_choices, clean_currencies, clean_flags, clean_ids, clean_lists, clean_texts
from cli.importer.times import TimeReading, clean_times
from cli.importer.units import SYMBOLS, fraction_factor, quantity_factor


class Cleaner:
    """Makes fields of the contract of a file's columns. A value that cannot be read makes a fault and leaves its row
    out.

    Args:
        kind: what the rows are.
        columns: which column is what.
        survey: what the whole file says about its numbers and times.
        options: how files are to be read.
    """

    def __init__(self, kind: Kind, columns: ColumnMap, survey: Survey, options: ImportOptions) -> None:
        self._kind = kind
        self._columns = columns
        self._survey = survey
        self._options = options
        self._zone = ZoneInfo(options.timezone)
        self._types: dict[str, AttributeType] = dict(columns.attribute_types)
        self._cleaners: Mapping[Values, Callable[[pd.Series, Field], Cleaned]] = {
            Values.ID: lambda column, _: clean_ids(column),
            Values.TEXT: lambda column, _: clean_texts(column),
            Values.NUMBER: lambda column, _: clean_numbers(column, self._decimal(column)),
            Values.QUANTITY: lambda column, _: clean_numbers(column, self._decimal(column), quantity_factor),
            Values.FRACTION: lambda column, _: clean_numbers(column, self._decimal(column), fraction_factor),
            Values.WHOLE: lambda column, _: clean_numbers(column, self._decimal(column), whole=True),
            Values.FLAG: lambda column, _: clean_flags(column),
            Values.TIME: lambda column, _: clean_times(column, self._times(column)),
            Values.CURRENCY: lambda column, _: clean_currencies(column, SYMBOLS),
            Values.CHOICE: lambda column, field: clean_choices(column, dict(field.choices)),
            Values.TEXTS: lambda column, _: clean_lists(column, options.list_separator),
        }

    def clean(self, chunk: Chunk) -> tuple[Rows, list[Fault]]:
        """The rows of a chunk, and what is wrong with those that are left out."""
        rows = Rows(chunk.lines, {}, {}, set())
        faults = list(chunk.broken)
        beside: dict[str, list[str]] = {}
        for name, taken in self._columns.fields.items():
            columns = [self._column(chunk, column) for column in taken]
            field = self._kind.field(name)
            if field.values is Values.MONEY:
                money = clean_money(columns[0], self._decimal(columns[0]))
                cleaned, beside[name] = money.amounts, money.currencies
            else:
                cleaned = self._field(field, columns)
            rows.fields[name] = cleaned.values
            self._note(rows, faults, name, columns, cleaned)
        for name, column_name in self._columns.attributes.items():
            column = self._column(chunk, column_name)
            cleaned = self._attribute(name, column)
            rows.attributes[name] = cleaned.values
            self._note(rows, faults, ATTRIBUTE + name, [column], cleaned)
        _settle_currencies(rows, faults, beside)
        return rows, faults

    def read_one(self, name: str, text: str) -> Cleaned:
        """Reads one text as a value of a field or of "attributes.NAME"."""
        column = pd.Series([text], dtype="str")
        if name.startswith(ATTRIBUTE):
            return self._attribute(name.removeprefix(ATTRIBUTE), column)
        field = self._kind.field(name)
        if field.values is Values.MONEY:
            return clean_money(column, self._decimal(column)).amounts
        return self._field(field, [column])

    def _field(self, field: Field, columns: list[pd.Series]) -> Cleaned:
        if field.values is Values.CATEGORIES:
            return clean_categories(columns, self._options.category_separator, self._options.list_separator)
        return self._cleaners[field.values](columns[0], field)

    def _attribute(self, name: str, column: pd.Series) -> Cleaned:
        if name not in self._types:
            of_type = type_of(name, column, None)
            if column.isna().all():
                # The next chunk may tell.
                return Cleaned([None] * len(column), [])
            self._types[name] = of_type
        return clean_attribute(name, column, self._types[name], self._decimal(column), self._options.list_separator)

    @staticmethod
    def _column(chunk: Chunk, name: str) -> pd.Series:
        if name in chunk.frame:
            return chunk.frame[name]
        return pd.Series([None] * len(chunk.lines), dtype="str", name=name)

    def _decimal(self, column: pd.Series) -> Any:
        return self._survey.decimal(str(column.name), self._options)

    def _times(self, column: pd.Series) -> TimeReading:
        return TimeReading(self._zone, self._survey.begins_with_day(str(column.name), self._options))

    @staticmethod
    def _note(rows: Rows, faults: list[Fault], name: str, columns: list[pd.Series], cleaned: Cleaned) -> None:
        for row, reason, remedy in cleaned.faults:
            rows.left_out.add(row)
            value = " | ".join(shown(column.iloc[row]) for column in columns)
            faults.append(Fault(rows.lines[row], name, value, reason, remedy))


def _settle_currencies(rows: Rows, faults: list[Fault], beside: Mapping[str, list[str]]) -> None:
    """A currency beside an amount is the row's, unless the row says another."""
    if not any(any(currencies) for currencies in beside.values()):
        return
    codes = rows.column("currency_code")
    rows.fields["currency_code"] = codes
    for field, currencies in beside.items():
        for row, code in enumerate(currencies):
            if not code:
                continue
            if codes[row] is None:
                codes[row] = code
            elif codes[row] != code:
                rows.left_out.add(row)
                remedy = f"is in {code} and the row says {codes[row]}; write one currency for the row"
                faults.append(Fault(rows.lines[row], field, code, "CURRENCY_CONFLICT", remedy))
