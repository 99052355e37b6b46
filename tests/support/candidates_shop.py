"""A small shop in memory, for what proposes candidates from it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from services.candidates.artifacts.embeddings import Embeddings
from services.candidates.artifacts.group_tastes import Group, GroupTastes
from services.candidates.artifacts.loaded_artifact import LoadedArtifact
from services.candidates.artifacts.neighbors import Neighbors
from services.candidates.artifacts.user_ratings import UserRatings
from services.candidates.catalog.filter_masks import FilterMasks
from services.candidates.marshal import query_of
from services.candidates.query import Query
from services.candidates.settings import CandidatesSettings
from services.candidates.sources.inputs import Inputs
from services.candidates.statistics.top_lists import CatalogSnapshot, rank
from vitrine.candidates.v1.candidate_service_pb2 import RetrieveCandidatesRequest
from vitrine.candidates.v1.source_service_pb2 import ProposeItemsRequest, ProposeItemsResponse
from vitrine.common.v1.item_filter_pb2 import ItemFilter
from vitrine.events.v1 import event_pb2
from vitrine.features.v1.catalog_service_pb2 import CatalogChange
from vitrine.features.v1.feature_service_pb2 import ListItemStatisticsResponse
from vitrine.features.v1.item_pb2 import Item
from vitrine.features.v1.user_features_pb2 import UserFeatures

DAY = 86_400_000
NOW = 1_750_000_000_000


class FakeOwnSource:
    """A shop's own source: answers as it was told, or fails."""

    def __init__(self, item_ids: Sequence[str], fields: dict[str, object]) -> None:
        self.response = ProposeItemsResponse(item_ids=item_ids, **fields)  # type: ignore[arg-type]  # what a test wants
        self.requests: list[ProposeItemsRequest] = []
        self.fault: Exception | None = None
        self.hangs = False

    async def ProposeItems(self, request: ProposeItemsRequest, timeout: float) -> ProposeItemsResponse:  # noqa: ASYNC109  # as the stub
        self.requests.append(request)
        if self.hangs:
            await asyncio.Event().wait()
        if self.fault is not None:
            raise self.fault
        return self.response


@dataclass
class Shop:
    """Items, statistics and visitors by hand. Call `open` when the shelves are filled."""

    inputs: Inputs = field(default_factory=lambda: Inputs(CandidatesSettings()))
    category_nos: dict[tuple[str, ...], int] = field(default_factory=dict)

    def change(self, item_no: int, item: Item | None = None, *, days_old: float = 100.0) -> CatalogChange:
        """Returns the change that puts the item into the catalog; None deletes it."""
        item_id = item.item_id if item is not None and item.item_id else f"item-{item_no}"
        change = CatalogChange(
            version=self.inputs.columns.version + 1, item_no=item_no, item_id=item_id, group_no=item_no
        )
        change.create_time.FromMilliseconds(int(NOW - days_old * DAY))
        if item is not None:
            change.item.CopyFrom(item)
            change.item.item_id = item_id
            names = list(item.category_paths[0].names) if item.category_paths else []
            for depth in range(1, len(names) + 1):
                path = tuple(names[:depth])
                change.category_nos.append(self.category_nos.setdefault(path, len(self.category_nos) + 1))
        return change

    def put(  # a shop's item has many sides
        self,
        item_no: int,
        title: str = "thing",
        path: Sequence[str] = ("shop",),
        *,
        price: float | None = 1.0,
        days_old: float = 100.0,
        group_no: int = 0,
        **fields: object,
    ) -> None:
        """Adds or changes an item."""
        item = Item(title=title, price=price, **fields)  # type: ignore[arg-type]  # whatever a test wants to set
        if path:
            item.category_paths.add(names=path)
        change = self.change(item_no, item, days_old=days_old)
        change.group_no = group_no or item_no
        self.inputs.columns.apply(change)
        self.inputs.embedded.put(item_no, change.item)

    def delete(self, item_no: int) -> None:
        """Takes an item out."""
        self.inputs.columns.apply(self.change(item_no))
        self.inputs.embedded.remove(item_no)

    def popular(self, counts: dict[int, float]) -> None:
        """Sets the items' decayed counts as of now."""
        self.inputs.statistics.apply(
            ListItemStatisticsResponse(
                item_nos=list(counts),
                decayed_7d=list(counts.values()),
                user_counts=[9] * len(counts),
                as_of_millis=NOW,
                version=1,
            )
        )

    def neighbors(
        self, pairs: dict[tuple[int, int], float], slot: LoadedArtifact[Neighbors] | None = None, *, users: int = 5
    ) -> None:
        """Loads neighbors, or what the slot is for: similarity by pair, one way. `users` stand behind each."""
        item_nos = np.array(sorted({item_no for pair in pairs for item_no in pair}), np.uint32)
        rows = [sorted(((s, b) for (a, b), s in pairs.items() if a == owner), reverse=True) for owner in item_nos]
        value = Neighbors(
            item_nos=item_nos,
            digests=self.inputs.columns.digests[item_nos],
            starts=np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64),
            neighbors=np.array([b for row in rows for _, b in row], np.uint32),
            similarities=np.array([s for row in rows for s, _ in row], np.float32),
            supports=np.full(len(pairs), users, np.uint32),
        )
        (slot or self.inputs.neighbors).put("1", value)

    def together(self, pairs: dict[tuple[int, int], float], *, users: int = 5) -> None:
        """Loads the pairs into `neighbors`, `next_items` and `bought_together`."""
        for slot in (self.inputs.neighbors, self.inputs.next_items, self.inputs.bought_together):
            self.neighbors(pairs, slot, users=users)

    def ratings(self, *users: dict[int, float]) -> None:
        """Loads what other users interacted with: a rating by item for each."""
        item_nos = np.unique([item_no for user in users for item_no in user]).astype(np.uint32)
        items = [np.searchsorted(item_nos, sorted(user)) for user in users]
        value = UserRatings(
            item_nos=item_nos,
            digests=self.inputs.columns.digests[item_nos],
            starts=np.cumsum([0, *(len(user) for user in users)]),
            items=np.concatenate(items).astype(np.uint32),
            ratings=np.array([user[item_no] for user in users for item_no in sorted(user)], np.float32),
        )
        self.inputs.user_ratings.put("1", value)

    def tastes(self, groups: dict[Group, dict[int, tuple[float, float]]]) -> None:
        """Loads share and lift of items by group."""
        item_nos = np.unique([item_no for taste in groups.values() for item_no in taste]).astype(np.uint32)
        pairs = [pair for taste in groups.values() for pair in taste.values()]
        value = GroupTastes(
            groups=tuple(groups),
            item_nos=item_nos,
            digests=self.inputs.columns.digests[item_nos],
            starts=np.cumsum([0, *(len(taste) for taste in groups.values())]),
            items=np.searchsorted(item_nos, [item_no for taste in groups.values() for item_no in taste]).astype(
                np.uint32
            ),
            shares=np.array([share for share, _ in pairs], np.float32),
            lifts=np.array([lift for _, lift in pairs], np.float32),
            supports=np.full(len(pairs), 9, np.uint32),
        )
        self.inputs.group_tastes.put("1", value)

    def rising(self, counts: dict[int, tuple[float, float]]) -> None:
        """Sets the items' sums with half-lives of 1 and of 30 days, as of now."""
        self.inputs.statistics.apply(
            ListItemStatisticsResponse(
                item_nos=list(counts),
                decayed_1d=[daily for daily, _ in counts.values()],
                decayed_30d=[monthly for _, monthly in counts.values()],
                user_counts=[9] * len(counts),
                as_of_millis=NOW,
                version=1,
            )
        )

    def own_source(self, *item_nos: int, **fields: object) -> "FakeOwnSource":
        """Gives the shop a source of its own, which proposes these items."""
        source = FakeOwnSource([f"item-{item_no}" for item_no in item_nos], fields)
        self.inputs.custom = source  # type: ignore[assignment]  # it has the stub's one method
        return source

    def vectors(self, vectors: dict[int, Sequence[float]], model_version: str = "m1") -> None:
        """Loads item vectors."""
        self.inputs.embeddings.put(
            "1",
            Embeddings(np.array(list(vectors), np.uint32), np.array(list(vectors.values()), np.float32), model_version),
        )

    def open(self) -> None:
        """Makes all that was put findable."""
        self.inputs.embedded.merge()
        self.inputs.top_lists = rank(CatalogSnapshot.of(self.inputs.columns, self.inputs.statistics), 200)
        self.inputs.catalog_read = True

    def query(
        self,
        user: UserFeatures | None = None,
        *,
        item_filter: ItemFilter | None = None,
        excluded: Sequence[int] = (),
        at: int = NOW,
        vector: Sequence[float] = (),
        vector_version: str = "m1",
    ) -> Query:
        """Returns what a source is asked for this visitor."""
        request = RetrieveCandidatesRequest(
            user=user,
            filter=item_filter,
            excluded_item_nos=excluded,
            user_vector=vector,
            user_vector_version=vector_version,
        )
        request.query_time.FromMilliseconds(at)
        return query_of(request, self.inputs, FilterMasks(self.inputs.columns))

    def taste(self, *paths: tuple[str, ...]) -> UserFeatures:
        """Returns a visitor who likes these categories, the first one best."""
        user = UserFeatures(known=True)
        for place, path in enumerate(paths):
            user.category_affinities.nos.append(self.category_nos[path])
            user.category_affinities.weights.append(10.0 - place)
        return user


def bought(user: UserFeatures, item_no: int, *days_ago: float) -> UserFeatures:
    """Adds purchases of an item to the visitor's counters."""
    counters = user.counters
    counters.item_nos.append(item_no)
    counters.purchase_counts.append(len(days_ago))
    counters.first_purchase_millis.append(int(NOW - max(days_ago) * DAY))
    counters.last_purchase_millis.append(int(NOW - min(days_ago) * DAY))
    counters.decayed_purchases.append(sum(2 ** (-days / 60) for days in days_ago))
    counters.decayed_interest.append(0.0)
    return user


def viewed(
    user: UserFeatures,
    item_no: int,
    hours_ago: float = 1.0,
    event_type: event_pb2.EventType.ValueType = event_pb2.EVENT_TYPE_VIEW,
) -> UserFeatures:
    """Adds a view of an item, or another event, to the visitor's counters and recent events; call in order of time."""
    counters = user.counters
    if item_no not in counters.item_nos:
        counters.item_nos.append(item_no)
        counters.purchase_counts.append(0)
        counters.first_purchase_millis.append(0)
        counters.last_purchase_millis.append(0)
        counters.decayed_purchases.append(0.0)
        counters.decayed_interest.append(1.0)
    user.recent.item_nos.append(item_no)
    user.recent.types.append(event_type)
    user.recent.event_times_millis.append(int(NOW - hours_ago * 3_600_000))
    return user
