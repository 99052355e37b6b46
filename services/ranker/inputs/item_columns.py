import hashlib
import math
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.common.content_mark import content_mark
from services.ranker.inputs.item_text import TOKEN_SLOTS, item_text, item_tokens
from services.ranker.inputs.leaf_repurchases import LeafRepurchases
from services.ranker.inputs.named_vectors import NO_VECTORS, NamedVectors
from vitrine.features.v1.catalog_service_pb2 import CatalogChange
from vitrine.features.v1.feature_service_pb2 import ListItemStatisticsResponse
from vitrine.features.v1.item_pb2 import Item

CATEGORY_LEVELS: Final = 3
SMALLEST_CAPACITY: Final = 1024
NONE: Final = -1.0
"""An unknown price, margin, or mean."""

_COLUMNS: Final[dict[str, tuple[type[Any], float]]] = {
    "known": (np.bool_, False),
    "id_marks": (np.int64, 0),
    "content_marks": (np.uint32, 0),
    "category_nos": (np.int32, 0),
    "token_nos": (np.uint16, 0),
    "vectors": (np.float16, 0.0),
    "text_marks": (np.uint64, 0),
    "brand_nos": (np.int32, 0),
    "group_nos": (np.uint32, 0),
    "prices": (np.float32, NONE),
    "log_prices": (np.float32, NONE),
    "margins": (np.float32, NONE),
    "discounts": (np.float32, 0.0),
    "available_millis": (np.int64, 0),
    "statistics_millis": (np.int64, 0),
    "view_counts": (np.int64, 0),
    "favorite_counts": (np.int64, 0),
    "cart_counts": (np.int64, 0),
    "purchase_counts": (np.int64, 0),
    "buyer_counts": (np.int64, 0),
    "impression_counts": (np.int64, 0),
    "decayed_1d": (np.float32, 0.0),
    "decayed_7d": (np.float32, 0.0),
    "decayed_30d": (np.float32, 0.0),
    "mean_log_prices": (np.float32, NONE),
    "interval_counts": (np.int64, 0),
    "mean_interval_days": (np.float32, 0.0),
}
"""Each column's type, and its default for unknown items."""

_WIDTHS: Final = {"category_nos": (CATEGORY_LEVELS,), "token_nos": (TOKEN_SLOTS,)}
"""The columns with more than one number per item."""

_STATISTICS: Final = (
    "statistics_millis",
    "view_counts",
    "favorite_counts",
    "cart_counts",
    "purchase_counts",
    "buyer_counts",
    "impression_counts",
    "decayed_1d",
    "decayed_7d",
    "decayed_30d",
    "mean_log_prices",
    "interval_counts",
    "mean_interval_days",
)


class ItemColumns:
    """Features of all items: columns by item_no that grow with the catalog.

    Row 0 has no item: it holds each column's default and represents all unknown numbers (see `rows`). Decayed counts
    are as of `statistics_millis` of their row. `category_nos` has shape (rows, 3): root, second level and leaf, 0
    if the path is shorter; a longer path gives its root and its second and last node. `token_nos` has shape
    (rows, TOKEN_SLOTS): title and attributes as `item_tokens` cuts them; `vectors` is (rows, named_vectors.width).
    """

    known: NDArray[np.bool_]
    id_marks: NDArray[np.int64]
    content_marks: NDArray[np.uint32]
    category_nos: NDArray[np.int32]
    token_nos: NDArray[np.uint16]
    vectors: NDArray[np.float16]
    text_marks: NDArray[np.uint64]
    brand_nos: NDArray[np.int32]
    group_nos: NDArray[np.uint32]
    prices: NDArray[np.float32]
    log_prices: NDArray[np.float32]
    margins: NDArray[np.float32]
    discounts: NDArray[np.float32]
    available_millis: NDArray[np.int64]
    statistics_millis: NDArray[np.int64]
    view_counts: NDArray[np.int64]
    favorite_counts: NDArray[np.int64]
    cart_counts: NDArray[np.int64]
    purchase_counts: NDArray[np.int64]
    buyer_counts: NDArray[np.int64]
    impression_counts: NDArray[np.int64]
    decayed_1d: NDArray[np.float32]
    decayed_7d: NDArray[np.float32]
    decayed_30d: NDArray[np.float32]
    mean_log_prices: NDArray[np.float32]
    interval_counts: NDArray[np.int64]
    mean_interval_days: NDArray[np.float32]

    def __init__(self, vectors: Mapping[str, int] = NO_VECTORS) -> None:
        """Keeps vectors of these names and lengths, at 2 bytes a number per item."""
        self.named_vectors = NamedVectors(vectors)
        self.waiting_texts: dict[int, str] = {}
        """Texts that aren't encoded yet, by item (see `set_text_vector`); empty without a text encoder."""

        self.repurchases = LeafRepurchases()
        self.catalog_version = 0
        self.statistics_version = 0
        for name in _COLUMNS:
            setattr(self, name, self._rows_of(name, SMALLEST_CAPACITY))

    @property
    def capacity(self) -> int:
        """Rows of every column."""
        return len(self.known)

    @property
    def item_count(self) -> int:
        """Items in the catalog."""
        return int(np.count_nonzero(self.known))

    def rows(self, item_nos: NDArray[Any]) -> NDArray[np.intp]:
        """Returns each number's row, 0 for numbers beyond the columns."""
        return np.where(item_nos < self.capacity, item_nos, 0).astype(np.intp)

    def known_item_nos(self) -> NDArray[np.uint32]:
        """Returns the numbers of all items in the catalog, ascending."""
        return np.flatnonzero(self.known).astype(np.uint32)

    def leaf_nos(self, rows: NDArray[np.intp]) -> NDArray[np.int32]:
        """Returns the last node of each category path, 0 if none."""
        nodes = self.category_nos[rows]
        return np.where(nodes[:, 2] > 0, nodes[:, 2], np.where(nodes[:, 1] > 0, nodes[:, 1], nodes[:, 0]))

    def best_log_prices(self, rows: NDArray[np.intp]) -> NDArray[np.float32]:
        """Returns ln(1 + price) from the catalog or, without one, of the mean purchase; -1 if neither is known."""
        listed = self.log_prices[rows]
        return np.where(listed >= 0, listed, self.mean_log_prices[rows])

    def decayed(self, half_life_days: int, rows: NDArray[np.intp], query_millis: int) -> NDArray[np.float32]:
        """Returns the decayed counts (half-life 1, 7 or 30 days) of `rows` as of `query_millis`."""
        column: NDArray[np.float32] = getattr(self, f"decayed_{half_life_days}d")
        ages = np.maximum(query_millis - self.statistics_millis[rows], 0) / (half_life_days * 86_400_000.0)
        return (column[rows] * np.exp2(-ages)).astype(np.float32)

    def apply_catalog(self, changes: Sequence[CatalogChange]) -> None:
        """Applies changes in order. Applying one again has no effect."""
        if not changes:
            return
        self._reach(max(change.item_no for change in changes))
        for change in changes:
            if change.item_no:
                self._apply_change(change)
        self.catalog_version = max(self.catalog_version, *(change.version for change in changes))

    def _apply_change(self, change: CatalogChange) -> None:
        row, item = change.item_no, change.item
        self.known[row] = change.HasField("item")
        self.id_marks[row] = zlib.crc32(change.item_id.encode())
        self.content_marks[row] = content_mark(change)
        self._move(row, _levels(change.category_nos))
        self.token_nos[row] = item_tokens(item.title, item.attributes)
        if self.named_vectors.width:
            self._apply_vectors(row, item)
        self.brand_nos[row] = change.brand_no
        self.group_nos[row] = change.group_no
        price = _amount(item.price) if item.HasField("price") else NONE
        list_price = _amount(item.list_price) if item.HasField("list_price") else NONE
        self.prices[row] = price
        self.log_prices[row] = math.log1p(price) if price >= 0 else NONE
        self.margins[row] = _amount(item.margin) if item.HasField("margin") else NONE
        self.discounts[row] = 1 - price / list_price if list_price > price >= 0 else 0.0
        available = item.available_from_time if item.HasField("available_from_time") else change.create_time
        self.available_millis[row] = available.seconds * 1000 + available.nanos // 1_000_000

    def _apply_vectors(self, row: int, item: Item) -> None:
        place = self.named_vectors.text_place
        kept = self.vectors[row, place].copy()
        self.vectors[row] = self.named_vectors.row(item)
        if not self.named_vectors.encoder:
            return
        text = item_text(item.title, item.attributes)
        mark = _text_mark(text)
        if mark == self.text_marks[row]:
            self.vectors[row, place] = kept
            return
        self.text_marks[row] = mark
        self.waiting_texts.pop(row, None)
        if text:
            self.waiting_texts[row] = text

    def set_text_vector(self, item_no: int, text: str, vector: NDArray[np.float16]) -> None:
        """Sets the vector of a waiting text, unless the text has changed in the meantime."""
        if self.waiting_texts.get(item_no) == text:
            self.vectors[item_no, self.named_vectors.text_place] = vector
            del self.waiting_texts[item_no]

    def apply_statistics(self, statistics: ListItemStatisticsResponse) -> None:
        """Applies the statistics of the items that changed."""
        item_nos = np.fromiter(statistics.item_nos, np.int64, len(statistics.item_nos))
        self.set_statistics(
            item_nos,
            statistics.as_of_millis,
            {
                name: column
                for name in (
                    "view_counts",
                    "favorite_counts",
                    "cart_counts",
                    "purchase_counts",
                    "buyer_counts",
                    "impression_counts",
                    "decayed_1d",
                    "decayed_7d",
                    "decayed_30d",
                    "mean_prices",
                    "interval_counts",
                    "mean_interval_days",
                )
                # A features service of the version before lacks the newest columns.
                if len(column := getattr(statistics, name)) == len(item_nos)
            },
        )
        self.statistics_version = max(self.statistics_version, statistics.version)

    def set_statistics(self, item_nos: NDArray[Any], as_of_millis: int, columns: dict[str, Sequence[float]]) -> None:
        """Sets the statistics of items: columns by the names of ListItemStatisticsResponse, each of shape (items,)."""
        if not len(item_nos):
            return
        self._reach(int(item_nos.max()))
        kept = item_nos > 0
        rows = item_nos[kept]
        changed = np.unique(rows)
        self._count_repurchases(changed, -1.0)
        self.statistics_millis[rows] = as_of_millis
        for name, values in columns.items():
            numbers = np.fromiter(values, np.float64, len(item_nos))[kept]
            if name == "mean_prices":
                valid = np.isfinite(numbers) & (numbers >= 0)
                self.mean_log_prices[rows] = np.where(valid, np.log1p(np.where(valid, numbers, 0.0)), NONE)
            else:
                getattr(self, name)[rows] = np.where(np.isfinite(numbers), np.maximum(numbers, 0.0), 0.0)
        self._count_repurchases(changed, 1.0)

    def columns(self) -> dict[str, NDArray[Any]]:
        """Returns all columns by name: what `set_columns` takes."""
        return {name: getattr(self, name) for name in _COLUMNS}

    def set_columns(self, columns: Mapping[str, NDArray[Any]]) -> None:
        """Sets all columns. Raises ValueError if their names or the width of the vectors differ."""
        if columns.keys() != _COLUMNS.keys() or columns["vectors"].shape[1] != self.named_vectors.width:
            raise ValueError("it has the columns of other items")
        for name, column in columns.items():
            setattr(self, name, column)

    def forget_statistics(self) -> None:
        """Resets all statistics to their defaults; the catalog's columns stay."""
        for name in _STATISTICS:
            setattr(self, name, self._rows_of(name, self.capacity))
        self.repurchases = LeafRepurchases()

    def _move(self, row: int, levels: list[int]) -> None:
        if not self.buyer_counts[row]:
            self.category_nos[row] = levels
        elif levels != self.category_nos[row].tolist():
            self._count_repurchases(np.array([row]), -1.0)
            self.category_nos[row] = levels
            self._count_repurchases(np.array([row]), 1.0)

    def _count_repurchases(self, rows: NDArray[Any], sign: float) -> None:
        intervals = self.interval_counts[rows].astype(np.float64)
        sums = np.stack([self.buyer_counts[rows], intervals, intervals * self.mean_interval_days[rows]], axis=1)
        self.repurchases.add(self.leaf_nos(rows), sign * sums)

    def _reach(self, item_no: int) -> None:
        if item_no < self.capacity:
            return
        capacity = 1 << item_no.bit_length()
        missing = capacity - self.capacity
        for name in _COLUMNS:
            setattr(self, name, np.concatenate([getattr(self, name), self._rows_of(name, missing)]))

    def _rows_of(self, name: str, count: int) -> NDArray[Any]:
        """Returns that many rows of a column, with its default."""
        dtype, default = _COLUMNS[name]
        shape = (self.named_vectors.width,) if name == "vectors" else _WIDTHS.get(name, ())
        return np.full((count, *shape), default, dtype)


def _text_mark(text: str) -> int:
    """Returns a hash of the text, 0 if empty."""
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") if text else 0


def _levels(path: Sequence[int]) -> list[int]:
    nodes = list(path)
    if len(nodes) > CATEGORY_LEVELS:
        return [nodes[0], nodes[1], nodes[-1]]
    return nodes + [0] * (CATEGORY_LEVELS - len(nodes))


def _amount(value: float) -> float:
    return value if math.isfinite(value) and value >= 0 else NONE
