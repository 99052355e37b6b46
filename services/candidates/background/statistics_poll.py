from typing import TYPE_CHECKING, Final

from services.candidates.statistics.item_statistics import ItemStatistics
from vitrine.features.v1.feature_service_pb2 import ListItemStatisticsRequest

if TYPE_CHECKING:
    from vitrine.features.v1.feature_service_pb2_grpc import FeatureServiceAsyncStub

_PAGE: Final = 20_000
_TIMEOUT_SECONDS: Final = 10.0


class StatisticsPoll:
    """Asks for the item statistics that changed since the last time."""

    def __init__(self, features: "FeatureServiceAsyncStub", statistics: ItemStatistics) -> None:
        self._features = features
        self._statistics = statistics

    async def read(self) -> None:
        """Reads to the end of what changed."""
        more = True
        while more:
            request = ListItemStatisticsRequest(after_version=self._statistics.version, page_size=_PAGE)
            answer = await self._features.ListItemStatistics(request, timeout=_TIMEOUT_SECONDS)
            self._statistics.apply(answer)
            more = answer.more
