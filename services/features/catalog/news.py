from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from services.features.catalog import queries
from services.features.catalog.given_numbers import GivenNumbers, NumberCounts, read_given
from services.features.store.heads import CATALOG, read_head


@dataclass(frozen=True, slots=True)
class Position:
    """How much of the catalog a process holds in memory."""

    version: int
    last_item_no: int
    numbers: NumberCounts


@dataclass(frozen=True, slots=True)
class News:
    """What was committed after a position: to be taken into memory as a whole, in this order."""

    given: GivenNumbers
    item_ids: Sequence[str]
    """Those that were given the next numbers."""

    rows: Sequence[Mapping[str, Any]]
    """Of the items that changed, what memory holds of them."""

    version: int
    """The version that the catalog is at with all this."""


def read_news(connection: Connection, known: Position, limit: int) -> tuple[News, bool]:
    """Returns the next news and whether there is more; of items that changed at most `limit`."""
    head = read_head(connection, CATALOG)
    rows = queries.read_rows(connection, known.version, head, limit)
    more = len(rows) == limit
    given = read_given(connection, known.numbers)
    ids = queries.read_new_ids(connection, known.last_item_no)
    return News(given, ids, rows, rows[-1]["version"] if more else head), more
