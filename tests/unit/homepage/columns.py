"""Candidates and queries for tests."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from services.homepage.category_tree import build_category_tree
from services.homepage.layouts.home import HOME
from services.homepage.pipeline.candidates import Candidates, ItemStates, SourceColumn
from services.homepage.query import Query
from tests.support.homepage_shop.shop import filled_shop
from vitrine.common.v1.visitor_pb2 import Visitor

NOW = 1_700_000_000_000
TREE = build_category_tree(filled_shop(24).categories())


def query(**fields: Any) -> Query:
    """Returns the query of a visitor of whom nothing is known."""
    chosen: dict[str, Any] = {
        "page_id": "page",
        "visitor": Visitor(user_id="u"),
        "query_millis": NOW,
        "serve_millis": NOW,
        "layout": HOME,
        "language": "en",
        "categories": TREE,
    }
    return Query(**(chosen | fields))


def states(count: int, **columns: Sequence[int] | Sequence[float]) -> ItemStates:
    """Returns the states of items that may be shown, but for the columns named."""
    defaults: dict[str, Any] = {
        "flags": np.full(count, 13, np.uint32),
        "available_from_millis": np.zeros(count, np.int64),
        "available_until_millis": np.zeros(count, np.int64),
        "minimum_ages": np.zeros(count, np.uint32),
        "group_nos": np.arange(1, count + 1, dtype=np.uint32),
        "category_nos": np.full(count, 100, np.uint32),
        "brand_nos": np.ones(count, np.uint32),
        "prices": np.ones(count, np.float32),
        "kinds": np.ones(count, np.int32),
    }
    for name, values in columns.items():
        defaults[name] = np.array(values, defaults[name].dtype)
    return ItemStates(**defaults)


def candidates(
    item_nos: Sequence[int],
    *,
    values: Sequence[float] = (),
    sources: Mapping[str, Sequence[int]] | None = None,
    evidence: Mapping[str, Sequence[int]] | None = None,
    **columns: Sequence[int] | Sequence[float],
) -> Candidates:
    """Returns candidates; `sources` name items, `evidence` the item that led to each of them."""
    count = len(item_nos)
    places = {number: place for place, number in enumerate(item_nos)}
    found: dict[str, SourceColumn] = {}
    for name, numbers in (sources or {}).items():
        size = len(numbers)
        found[name] = SourceColumn(
            np.array([places[number] for number in numbers], np.int32),
            (1 / np.arange(1, size + 1)).astype(np.float32),
            np.array((evidence or {}).get(name, [0] * size), np.uint32),
        )
    fused = (1 / np.arange(60, 60 + count)).astype(np.float32)
    result = Candidates(np.array(item_nos, np.uint32), fused, found, states(count, **columns))
    if len(values):
        result.values = np.array(values, np.float32)
    return result
