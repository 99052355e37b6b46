"""The shop's rankings that all pages share."""

from dataclasses import dataclass

import numpy as np

from services.homepage.clients.columns import column
from services.homepage.clients.features_client import Features
from services.homepage.pipeline.candidates import Floats, Numbers
from vitrine.features.v1 import feature_service_pb2


@dataclass(frozen=True, slots=True)
class TopItems:
    """Items with the most events of a window, the greatest first, and their decayed counts; shape (n,) each."""

    item_nos: Numbers
    values: Floats


async def load_popular(features: Features, limit: int, seconds: float) -> TopItems:
    """Returns the items with the most events, half-life 7 days."""
    window = feature_service_pb2.STATISTICS_WINDOW_DECAYED_7D
    return _top(await features.top_items(window, limit, seconds))


async def load_trending(features: Features, limit: int, seconds: float) -> TopItems:
    """Returns the items that rise against their own past, the steepest first.

    A steady item's sums with half-lives of 1 and 30 days are as 1 to 30, so rise = daily / (monthly / 30 + 1): the 1
    keeps a single sale of an item that never sold before from being the greatest rise of all. Only above 1 is a rise.
    """
    half = seconds / 2
    daily = _top(await features.top_items(feature_service_pb2.STATISTICS_WINDOW_DECAYED_1D, limit, half))
    monthly = _top(await features.top_items(feature_service_pb2.STATISTICS_WINDOW_DECAYED_30D, limit, half))
    past = dict(zip(monthly.item_nos.tolist(), monthly.values.tolist(), strict=True))
    usual = np.array([past.get(item_no, 0.0) for item_no in daily.item_nos.tolist()], np.float32) / np.float32(30)
    rise = (daily.values / (usual + 1)).astype(np.float32)
    order = np.argsort(-rise, kind="stable")
    order = order[rise[order] > 1]
    return TopItems(daily.item_nos[order], rise[order])


def _top(response: feature_service_pb2.ListTopItemsResponse) -> TopItems:
    count = len(response.item_nos)
    return TopItems(column(response.item_nos, np.uint32), column(response.values, np.float32, count))
