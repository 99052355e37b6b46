import asyncio
from typing import ClassVar

import numpy as np
import pytest

from services.candidates.marshal import response_of
from services.candidates.metrics import CandidateMetrics
from services.candidates.proposals import Proposals, best
from services.candidates.query import Query
from services.candidates.retrieval import Retriever
from services.candidates.sources.registry import SOURCES, check_names, make_sources
from services.candidates.sources.source import Source
from services.common.errors import InvalidArgumentError
from services.common.telemetry.metrics import Metrics
from tests.support.candidates_shop import Shop, bought, viewed
from vitrine.candidates.v1 import candidate_service_pb2 as pb
from vitrine.events.v1 import event_pb2
from vitrine.features.v1.user_features_pb2 import UserFeatures


class FakeSource:
    name: ClassVar[str] = "fake"
    quota: ClassVar[int] = 10
    weight: ClassVar[float] = 1.0

    def __init__(self, fault: Exception | None = None, *, seconds: float = 0.0, unready: str = "") -> None:
        self._fault = fault
        self._seconds = seconds
        self._unready = unready
        self.asked = 0

    def unready(self) -> str:
        return self._unready

    def applies(self, query: Query) -> bool:
        return True

    async def propose(self, query: Query, quota: int) -> Proposals:
        self.asked += 1
        await asyncio.sleep(self._seconds)
        if self._fault is not None:
            raise self._fault
        return best(np.array([1, 2, 3]), np.array([3.0, 2.0, 1.0]), quota, np.array([9, 9, 0]))


class FakePopular(FakeSource):
    name: ClassVar[str] = "steady"


def retriever(*sources: Source, deadline: float = 0.05) -> Retriever:
    return Retriever(sources, {}, {}, deadline, CandidateMetrics(Metrics("candidates")))


@pytest.fixture
def query() -> Query:
    shop = Shop()
    shop.open()
    return shop.query()


@pytest.mark.parametrize(
    ("source", "status", "reason"),
    [
        (FakeSource(ValueError("a user's secret")), pb.SOURCE_STATUS_FAILED, "ValueError"),
        (FakeSource(seconds=5.0), pb.SOURCE_STATUS_LATE, "50 ms"),
        (FakeSource(unready="not loaded"), pb.SOURCE_STATUS_NOT_READY, "not loaded"),
    ],
)
async def test_a_source_that_falls_out_is_named_and_the_rest_carries_on(
    query: Query, source: FakeSource, status: pb.SourceStatus.ValueType, reason: str
) -> None:
    retrieved = await retriever(source, FakePopular()).retrieve(query, 10, {}, 1.0)
    assert retrieved.item_nos.tolist() == [1, 2, 3]
    outcomes = {outcome.source: outcome for outcome in retrieved.outcomes}
    assert outcomes["fake"].status == status
    assert reason in outcomes["fake"].reason
    assert "secret" not in outcomes["fake"].reason
    assert outcomes["steady"].status == pb.SOURCE_STATUS_OK


async def test_the_calls_own_deadline_ends_a_source_too(query: Query) -> None:
    retrieved = await retriever(FakeSource(seconds=5.0), deadline=60.0).retrieve(query, 10, {}, 0.02)
    assert retrieved.outcomes[0].status == pb.SOURCE_STATUS_LATE


async def test_quotas_limit_turn_off_and_may_name_what_is_not_there(query: Query) -> None:
    source, steady = FakeSource(), FakePopular()
    retrieved = await retriever(source, steady).retrieve(query, 10, {"fake": 0, "steady": 2, "nobody knows it": 5}, 1.0)
    assert retrieved.item_nos.tolist() == [1, 2]
    assert source.asked == 0
    statuses = {outcome.source: outcome.status for outcome in retrieved.outcomes}
    assert statuses == {
        "fake": pb.SOURCE_STATUS_OFF,
        "steady": pb.SOURCE_STATUS_OK,
        "nobody knows it": pb.SOURCE_STATUS_OFF,
    }


async def test_every_source_is_timed_by_what_became_of_it(query: Query) -> None:
    metrics = Metrics("candidates")
    sources: list[Source] = [FakeSource(ValueError()), FakePopular()]
    await Retriever(sources, {}, {}, 1.0, CandidateMetrics(metrics)).retrieve(query, 10, {}, 1.0)
    for source, status in (("fake", "FAILED"), ("steady", "OK")):
        labels = {"source": source, "status": status}
        assert metrics.registry.get_sample_value("vitrine_candidates_source_seconds_count", labels) == 1


async def test_columns_point_at_what_was_kept(query: Query) -> None:
    retrieved = await retriever(FakeSource()).retrieve(query, 2, {}, 1.0)
    response = response_of(retrieved, pb.IndexVersions(catalog_version=7))
    assert list(response.item_nos) == [1, 2]
    columns = response.sources[0]
    assert (list(columns.positions), list(columns.scores), list(columns.evidence_item_nos)) == (
        [0, 1],
        [3.0, 2.0],
        [9, 9],
    )
    assert response.outcomes[0].proposed_count == 3
    assert response.outcomes[0].duration.nanos > 0
    assert response.versions.catalog_version == 7


async def test_all_sources_together_propose_nothing_twice() -> None:
    shop = Shop()
    for item_no in range(1, 301):
        shop.put(item_no, f"cup {item_no % 7}", ("kitchen", f"s{item_no % 5}"), list_price=2.0, days_old=item_no / 10)
    shop.together({(1, item_no): 0.5 for item_no in range(2, 50)})
    shop.ratings({1: 3.0, 2: 1.0, 3: 2.0}, {1: 2.0, 2: 1.0, 4: 1.0})
    shop.tastes({("region", "north"): {5: (0.1, 2.0)}})
    shop.own_source(7, 8)
    shop.vectors({item_no: (1.0, float(item_no % 9)) for item_no in range(1, 301)})
    shop.popular({item_no: float(item_no) for item_no in range(1, 301)})
    shop.open()
    user = viewed(viewed(bought(UserFeatures(), 1, 20, 10), 1), 2, event_type=event_pb2.EVENT_TYPE_ADD_TO_CART)
    user.follows.add(kind=event_pb2.SUBJECT_KIND_TOPIC, subject_id="kitchen")
    user.attributes["region"].text = "north"
    user.search_texts.append("cup")
    query = shop.query(user, vector=(1, 1))
    retrieved = await retriever(*make_sources((), shop.inputs), deadline=5.0).retrieve(query, 100, {}, 5.0)
    assert [outcome.status for outcome in retrieved.outcomes] == [pb.SOURCE_STATUS_OK] * len(SOURCES)
    assert len(set(retrieved.item_nos.tolist())) == 100
    assert (np.diff(retrieved.fused_scores) <= 0).all()


def test_settings_that_name_no_source_are_refused() -> None:
    check_names("VITRINE_CANDIDATES_SOURCES", ["popular"])
    with pytest.raises(
        InvalidArgumentError, match=r"VITRINE_CANDIDATES_SOURCES names popularr; the sources are item_cf"
    ):
        check_names("VITRINE_CANDIDATES_SOURCES", ["popularr", "content"])
