from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from services.candidates.artifacts.group_tastes import Group, GroupTastes
from services.candidates.artifacts.neighbors import Neighbors
from services.candidates.artifacts.repeats import Repeats
from services.candidates.artifacts.user_ratings import UserRatings
from services.candidates.catalog.filter_masks import FilterMasks
from services.candidates.catalog.item_columns import item_digest
from services.candidates.jobs.compute import Made, compute
from services.candidates.jobs.events import Events
from services.candidates.marshal import query_of
from services.candidates.metrics import CandidateMetrics
from services.candidates.retrieval import Retrieved, Retriever
from services.candidates.settings import CandidatesSettings
from services.candidates.sources.inputs import Inputs
from services.candidates.sources.registry import make_sources
from services.candidates.statistics.top_lists import CatalogSnapshot, rank
from services.common import event_types
from services.common.progress import Progress
from services.common.strengths import STRENGTHS
from services.common.telemetry.metrics import Metrics
from services.features.definitions.observation import Observation
from services.features.definitions.user_state import UserState
from vitrine.candidates.v1.candidate_service_pb2 import RetrieveCandidatesRequest
from vitrine.features.v1.catalog_service_pb2 import CatalogChange
from vitrine.features.v1.feature_service_pb2 import ListItemStatisticsResponse
from vitrine.features.v1.item_pb2 import Item
from vitrine.features.v1.user_features_pb2 import UserFeatures

_PATIENCE_SECONDS = 60.0
_PER_CATEGORY = 200
_MILLIS_PER_DAY = 86_400_000


class OfflineShop:
    """A shop's candidate sources over data that lies ready, in this process: with the classes, jobs and settings that
    serve, but without the network between them.

    `items` get the numbers from 1 on. Purchases come as a table with the columns user (a number), item_no, millis and
    order (a number, 0 for none).
    """

    def __init__(self, items: Sequence[Item], settings: CandidatesSettings) -> None:
        self._settings = settings
        self._inputs = Inputs(settings)
        self._digests: dict[int, int] = {}
        self._states: dict[int, UserState] = {}
        self._attributes: Mapping[int, Mapping[str, str]] = {}
        for change in catalog_changes(items):
            self._inputs.columns.apply(change)
            self._inputs.embedded.put(change.item_no, change.item)
            self._digests[change.item_no] = item_digest(change.item_id)
        self._inputs.embedded.merge()
        self._masks = FilterMasks(self._inputs.columns)
        self._inputs.catalog_read = True

    def learn(
        self, purchases: pd.DataFrame, progress: Progress, attributes: Mapping[int, Mapping[str, str]] | None = None
    ) -> None:
        """Runs the jobs over the purchases and counts statistics; `attributes` are of users."""
        self._attributes = attributes or {}
        events = Events(
            users=purchases.user.to_numpy(np.uint32),
            items=purchases.item_no.to_numpy(np.uint32),
            strengths=np.full(len(purchases), STRENGTHS[event_types.PURCHASE], np.float32),
            millis=purchases.millis.to_numpy(np.int64),
            orders=purchases.order.to_numpy(np.uint32),
            bought=np.ones(len(purchases), np.bool_),
        )
        groups = {user: _groups(own, self._settings) for user, own in self._attributes.items()}
        with TemporaryDirectory() as folder:
            for made in compute(events, groups, self._digests, self._settings, progress):
                self._load(made, Path(folder) / made.name)
        self._inputs.statistics.apply(_statistics(events))
        self._inputs.top_lists = rank(CatalogSnapshot.of(self._inputs.columns, self._inputs.statistics), _PER_CATEGORY)

    def remember(self, doings: pd.DataFrame, progress: Progress, event_type: int = event_types.PURCHASE) -> None:
        """Gives the users their histories, all of events of one type."""
        with progress.task("histories", total=len(doings)) as task:
            columns = (doings[name].tolist() for name in ("user", "item_no", "millis", "order"))
            for user, item_no, millis, order in zip(*columns, strict=True):
                state = self._states.setdefault(user, UserState())
                state.apply(Observation(event_type, item_no, millis, f"{order}-{item_no}", order_id=str(order)))
                task.advance()

    def retriever(
        self,
        names: Sequence[str] = (),
        quotas: Mapping[str, int] | None = None,
        weights: Mapping[str, float] | None = None,
    ) -> Retriever:
        """Returns what asks these sources, all that can work without other services by default."""
        sources = [source for source in make_sources(names, self._inputs) if not source.unready()]
        return Retriever(
            sources, quotas or {}, weights or {}, _PATIENCE_SECONDS, CandidateMetrics(Metrics("candidates"))
        )

    async def ask(self, retriever: Retriever, user: int, query_millis: int, limit: int) -> Retrieved:
        """Returns the candidates for a user at a time."""
        state = self._states.get(user)
        features = state.features(query_millis) if state is not None else UserFeatures()
        for name, value in self._attributes.get(user, {}).items():
            features.attributes[name].text = value
        self._add_categories(features)
        request = RetrieveCandidatesRequest(user=features)
        request.query_time.FromMilliseconds(query_millis)
        return await retriever.retrieve(query_of(request, self._inputs, self._masks), limit, {}, _PATIENCE_SECONDS)

    def _add_categories(self, features: UserFeatures) -> None:
        """Sets the affinities: purchases, half-life 60 days, by every level of their items' categories."""
        item_nos = np.array(features.counters.item_nos, np.int64)
        levels = self._inputs.columns.category_nos[item_nos]
        weights = np.repeat(np.array(features.counters.decayed_purchases), levels.shape[1] if levels.ndim > 1 else 0)
        totals = np.bincount(levels.ravel(), weights)[1:] if len(item_nos) else np.zeros(0)
        order = np.argsort(-totals, kind="stable")[:256]
        order = order[totals[order] > 0]
        features.category_affinities.nos.extend((order + 1).tolist())
        features.category_affinities.weights.extend(totals[order].tolist())

    def _load(self, made: Made, folder: Path) -> None:
        folder.mkdir()
        made.save(folder)
        inputs, columns = self._inputs, self._inputs.columns
        if made.name == UserRatings.ARTIFACT:
            inputs.user_ratings.put("1", UserRatings.load(folder, columns))
        elif made.name == Repeats.ARTIFACT:
            inputs.repeats.put("1", Repeats.load(folder, columns))
        elif made.name == GroupTastes.ARTIFACT:
            inputs.group_tastes.put("1", GroupTastes.load(folder, columns))
        else:
            slots = {slot.name: slot for slot in (inputs.neighbors, inputs.next_items, inputs.bought_together)}
            slots[made.name].put("1", Neighbors.load(folder, columns))


def catalog_changes(items: Sequence[Item]) -> list[CatalogChange]:
    """Returns the items as a catalog tells of them: numbers from 1 on, as those of brands and category nodes are."""
    category_nos: dict[tuple[str, ...], int] = {}
    brand_nos: dict[str, int] = {}
    changes = []
    for item_no, item in enumerate(items, start=1):
        change = CatalogChange(version=item_no, item_no=item_no, item_id=item.item_id, group_no=item_no, item=item)
        if item.brand:
            change.brand_no = brand_nos.setdefault(item.brand, len(brand_nos) + 1)
        for path in item.category_paths[:1]:
            prefixes = (tuple(path.names[:depth]) for depth in range(1, len(path.names) + 1))
            change.category_nos.extend(category_nos.setdefault(prefix, len(category_nos) + 1) for prefix in prefixes)
        changes.append(change)
    return changes


def source_shares(retrieved: Retrieved, wanted: Collection[int]) -> Mapping[str, tuple[float, float]]:
    """Returns for each source that was asked which part of the wanted items it proposes among its quota, and which part
    it alone proposes.
    """
    proposed = {made.source: set(made.proposals.item_nos.tolist()) for made in retrieved.outcomes}
    shares = {}
    for name, found in proposed.items():
        hits = found.intersection(wanted)
        others = set().union(*(own for other, own in proposed.items() if other != name))
        shares[name] = len(hits) / len(wanted), len(hits - others) / len(wanted)
    return shares


def _groups(attributes: Mapping[str, str], settings: CandidatesSettings) -> tuple[Group, ...]:
    return tuple((name, attributes[name]) for name in settings.tastes.group_attributes if attributes.get(name))


def _statistics(events: Events) -> ListItemStatisticsResponse:
    """Counts as the feature store does, as of the newest purchase."""
    item_nos, places = np.unique(events.items, return_inverse=True)
    pairs = events.users.astype(np.int64) << 32 | events.items
    ages = (events.newest_millis - events.millis) / _MILLIS_PER_DAY

    def decayed(days: float) -> NDArray[np.float64]:
        return np.bincount(places, events.strengths * np.exp2(-ages / days)).astype(np.float64)

    return ListItemStatisticsResponse(
        item_nos=item_nos.tolist(),
        decayed_1d=decayed(1.0).tolist(),
        decayed_7d=decayed(7.0).tolist(),
        decayed_30d=decayed(30.0).tolist(),
        user_counts=np.bincount(places[np.unique(pairs, return_index=True)[1]]).tolist(),
        as_of_millis=events.newest_millis,
        version=1,
    )
