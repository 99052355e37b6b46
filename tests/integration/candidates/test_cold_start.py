"""New users, single events, unknown visitors and new items, on real households and products held out from all jobs."""

from collections.abc import Sequence
from statistics import fmean

import numpy as np
import pandas as pd
import pytest

from bench.candidate_quality.complete_journey import NextBaskets, read_next_baskets
from bench.candidate_quality.offline_shop import OfflineShop
from services.candidates.retrieval import Outcome, Retrieved
from services.candidates.settings import CandidatesSettings
from services.common import event_types
from services.common.progress import NoProgress
from vitrine.candidates.v1 import candidate_service_pb2 as pb

pytestmark = pytest.mark.slow

HOUSEHOLDS = 500
NEWCOMERS = 40
NEW_ITEMS = 40
CANDIDATES = 300
UNKNOWN = 9_999_999


class ColdShop:
    """A shop that has never heard of some households and in which some products were never bought."""

    def __init__(self, data: NextBaskets) -> None:
        self.data = data
        self.newcomers = [user for user in data.baskets if user in data.attributes][:NEWCOMERS]
        sold = data.past.item_no.value_counts()
        self.new_items = sorted(sold.index[:400:10].tolist())[:NEW_ITEMS]
        known = data.past[~data.past.user.isin(self.newcomers) & ~data.past.item_no.isin(self.new_items)]
        self.shop = OfflineShop(data.items, CandidatesSettings())
        self.shop.learn(known, NoProgress(), data.attributes)
        self._next = UNKNOWN

    async def ask(self, user: int, *sources: str) -> Retrieved:
        return await self.shop.ask(self.shop.retriever(sources), user, self.data.begin_millis, CANDIDATES)

    async def ask_after(self, item_no: int, *sources: str) -> Retrieved:
        """Asks for a visitor of whom one purchase is known, an hour old."""
        self._next += 1
        row = {"user": self._next, "item_no": item_no, "millis": self.data.begin_millis - 3_600_000, "order": 1}
        self.shop.remember(pd.DataFrame([row]), NoProgress())
        return await self.ask(self._next, *sources)

    async def ask_after_session(self, item_nos: Sequence[int]) -> Retrieved:
        """Asks for an anonymous visitor who looked at these within the last minutes."""
        self._next += 1
        rows = {
            "user": self._next,
            "item_no": item_nos,
            "millis": [self.data.begin_millis - 60_000 * minutes for minutes in range(len(item_nos), 0, -1)],
            "order": 0,
        }
        self.shop.remember(pd.DataFrame(rows), NoProgress(), event_types.VIEW)
        return await self.ask(self._next)

    def recall(self, user: int, retrieved: Retrieved) -> float:
        basket = self.data.baskets[user]
        return len(basket.intersection(retrieved.item_nos.tolist())) / len(basket)


@pytest.fixture(scope="module")
def cold() -> ColdShop:
    return ColdShop(read_next_baskets(HOUSEHOLDS))


def outcome(retrieved: Retrieved, source: str) -> Outcome:
    return next(one for one in retrieved.outcomes if one.source == source)


async def test_a_new_user_gets_what_the_shop_and_their_groups_take(cold: ColdShop) -> None:
    recalls, by_chance = [], CANDIDATES / len(cold.data.items)
    for user in cold.newcomers:
        retrieved = await cold.ask(user)
        for source in ("popular", "demographic"):
            assert outcome(retrieved, source).status == pb.SOURCE_STATUS_OK
            assert len(outcome(retrieved, source).proposals) > 0
        recalls.append(cold.recall(user, retrieved))
    assert fmean(recalls) > 3 * by_chance


async def test_an_unknown_visitors_first_visit_is_not_empty(cold: ColdShop) -> None:
    retrieved = await cold.ask(UNKNOWN)
    assert len(retrieved.item_nos) >= 100
    assert outcome(retrieved, "demographic").status == pb.SOURCE_STATUS_NOT_APPLICABLE
    assert outcome(retrieved, "item_cf").status == pb.SOURCE_STATUS_NOT_APPLICABLE
    baskets = list(cold.data.baskets.values())
    hits = [len(basket.intersection(retrieved.item_nos.tolist())) / len(basket) for basket in baskets]
    assert fmean(hits) > 3 * CANDIDATES / len(cold.data.items)


async def test_one_event_is_enough_for_content_and_co_occurrence_at_once(cold: ColdShop) -> None:
    proposed: dict[str, list[bool]] = {}
    sources = ("content", "item_cf", "then_bought", "bought_together")
    for user in cold.newcomers:
        item_no = min(cold.data.baskets[user])
        retrieved = await cold.ask_after(item_no, *sources)
        for source in sources:
            proposals = outcome(retrieved, source).proposals
            proposed.setdefault(source, []).append(len(proposals) > 0)
            if len(proposals):
                assert proposals.evidence_item_nos is not None
                assert set(proposals.evidence_item_nos.tolist()) <= {0, item_no}  # 0: too few users to say
    assert fmean(proposed["content"]) == 1.0
    assert fmean(proposed["item_cf"]) > 0.5
    assert any(proposed["then_bought"])


async def test_a_new_item_is_found_by_its_content_before_anyone_bought_it(cold: ColdShop) -> None:
    paths = {number: tuple(item.category_paths[0].names) for number, item in enumerate(cold.data.items, start=1)}
    found = []
    for new in cold.new_items:
        siblings = [number for number, path in paths.items() if path == paths[new] and number not in cold.new_items]
        for sibling in siblings[:1]:
            retrieved = await cold.ask_after(sibling)
            assert new not in outcome(retrieved, "item_cf").proposals.item_nos
            found.append(new in outcome(retrieved, "content").proposals.item_nos)
    assert len(found) > NEW_ITEMS / 2
    assert np.mean(found) > 0.5


async def test_what_an_anonymous_visitor_looks_at_leads_within_the_session(cold: ColdShop) -> None:
    """Half of a real basket is looked at; the other half, which the visitor never touched, is to be found."""
    found, without = [], []
    unknown = set((await cold.ask(UNKNOWN)).item_nos.tolist())
    for basket in [sorted(basket) for basket in cold.data.baskets.values() if len(basket) >= 8][:NEWCOMERS]:
        seen, wanted = basket[::2], set(basket[1::2])
        retrieved = await cold.ask_after_session(seen)
        assert outcome(retrieved, "recently_viewed").proposals.item_nos.tolist() == seen[::-1][:CANDIDATES]
        found.append(len(wanted.intersection(retrieved.item_nos.tolist())) / len(wanted))
        without.append(len(wanted & unknown) / len(wanted))
    assert len(found) == NEWCOMERS
    assert fmean(found) > 1.2 * fmean(without)
