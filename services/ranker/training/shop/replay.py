from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from services.features.definitions.item_statistics import ItemStatistics
from services.features.definitions.user_state import UserState
from services.ranker.inputs.item_columns import ItemColumns
from services.ranker.inputs.user_columns import UserColumns
from services.ranker.training.shop.catalog import TrainingCatalog
from services.ranker.training.shop.event_table import EventTable
from vitrine.common.v1.attribute_pb2 import AttributeValue

Attributes = Mapping[str, AttributeValue]


class Replay:
    """Replays the log in order of time: at any moment it has the features that the feature store had then.

    States are built by the definitions that serving uses. Events of the very moment of a cut are not known at the cut.
    """

    def __init__(
        self, table: EventTable, catalog: TrainingCatalog, attributes: Mapping[str, Attributes] | None = None
    ) -> None:
        self.table = table
        self.catalog = catalog
        self.attributes = attributes or {}
        self._affinities = catalog.affinity_columns()
        self._begin()

    @property
    def items(self) -> ItemColumns:
        """The item columns with the statistics of the last `advance`."""
        return self.catalog.items

    def restart(self) -> None:
        """Goes back to the beginning of the log."""
        self.items.forget_statistics()
        self._begin()

    def _begin(self) -> None:
        self.now_millis = 0
        self._states: defaultdict[int, UserState] = defaultdict(UserState)
        self._statistics = ItemStatistics()
        self._next = 0

    def advance(self, cut_millis: int) -> None:
        """Applies all events before the cut and brings the items' statistics there. Cuts come in ascending order."""
        if cut_millis < self.now_millis:
            raise ValueError("a replay can't go back in time")
        self.now_millis = cut_millis
        end = int(np.searchsorted(self.table.millis, cut_millis, side="left"))
        observations, users = self.table.observations, self.table.users[:end].tolist()
        for place in range(self._next, end):
            observation, user = observations[place], users[place]
            self._statistics.apply(self._states[user].apply(observation))
        self._next = max(self._next, end)
        self._refresh_statistics()

    def user(self, user: int) -> UserColumns:
        """Returns a user's features as of the last `advance`."""
        features = self._states[user].features(self.now_millis, self._affinities)
        for name, value in self.attributes.get(self.table.visitors[user], {}).items():
            features.attributes[name].CopyFrom(value)
        return UserColumns.from_proto(features)

    def _refresh_statistics(self) -> None:
        statistics = self._statistics
        item_nos = np.flatnonzero(statistics.column("anchors"))

        def column(name: str) -> Sequence[float]:
            return list(statistics.column(name)[item_nos].tolist())

        self.items.set_statistics(
            item_nos,
            self.now_millis,
            {
                "view_counts": column("views"),
                "favorite_counts": column("favorites"),
                "cart_counts": column("carts"),
                "purchase_counts": column("purchases"),
                "impression_counts": column("impressions"),
                "buyer_counts": column("buyers"),
                "mean_prices": statistics.price_means(item_nos).tolist(),
                "interval_counts": column("intervals"),
                "mean_interval_days": statistics.interval_means(item_nos).tolist(),
                **{
                    name: statistics.decayed(name, self.now_millis)[item_nos].tolist()
                    for name in ("decayed_1d", "decayed_7d", "decayed_30d")
                },
            },
        )
