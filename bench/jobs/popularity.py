import numpy as np

from services.candidates.jobs.events import Events
from services.candidates.statistics.item_statistics import ItemStatistics
from services.candidates.statistics.top_lists import CatalogSnapshot, TopLists, rank
from services.candidates.statistics.trend_scores import trend_scores
from vitrine.features.v1.feature_service_pb2 import ListItemStatisticsResponse

_DAY = 86_400_000
_PER_CATEGORY = 200
_CATEGORIES = 1_000
_BRANDS = 5_000


def popularity_of(events: Events, items: int) -> ItemStatistics:
    """Returns the items' statistics as the candidates service has them from the feature store's answer."""
    numbers = np.arange(1, items + 1)
    answer = ListItemStatisticsResponse(
        item_nos=numbers.tolist(),
        user_counts=np.bincount(events.items, minlength=items + 1)[1:].tolist(),
        as_of_millis=events.newest_millis,
        version=1,
    )
    for name, days in (("decayed_1d", 1), ("decayed_7d", 7), ("decayed_30d", 30)):
        weights = events.strengths * np.exp2((events.millis - events.newest_millis) / (_DAY * days))
        getattr(answer, name).extend(np.bincount(events.items, weights, items + 1)[1:].tolist())
    statistics = ItemStatistics(minimum_users=5)
    statistics.apply(answer)
    return statistics


def rank_all(statistics: ItemStatistics, items: int, newest_millis: int) -> TopLists:
    """Makes all rankings of a shop of so many items, in 1,000 categories and 5,000 brands."""
    numbers = np.arange(1, items + 1)
    daily, monthly = statistics.daily_and_monthly(items + 1)
    snapshot = CatalogSnapshot(
        item_nos=numbers,
        log_popularity=statistics.log_popularity(items + 1)[1:],
        new_since=newest_millis - (numbers % 1_000) * _DAY,
        reduced=numbers % 10 == 0,
        category_nos=np.stack([1 + numbers % 20, 21 + numbers % _CATEGORIES], axis=1).astype(np.uint32),
        trend_scores=trend_scores(daily[1:], monthly[1:]),
        creators=np.zeros(items, np.uint32),
        brands=(1 + numbers % _BRANDS).astype(np.uint32),
        topics=np.zeros(items, np.uint32),
    )
    return rank(snapshot, _PER_CATEGORY)
