"""What is shown to others of what users do has at least k of them behind it."""

import pytest

from services.common.clock import FixedClock
from services.features.settings import FeaturesSettings
from tests.integration.features.shop import Shop, event, item, shop
from tests.support.fake_event_service import FakeEventService
from vitrine.common.v1.visitor_pb2 import Visitor
from vitrine.events.v1.event_pb2 import EVENT_TYPE_PURCHASE, EVENT_TYPE_REFUND, EVENT_TYPE_VIEW
from vitrine.features.v1 import feature_service_pb2 as pb

K = 5
VISITORS = [Visitor(user_id=f"user {number}") for number in range(K)]
RANKINGS = [
    pb.ListTopItemsRequest(),
    pb.ListTopItemsRequest(window=pb.STATISTICS_WINDOW_DECAYED_1D),
    pb.ListTopItemsRequest(window=pb.STATISTICS_WINDOW_ALL, type=EVENT_TYPE_PURCHASE),
]


async def ranked(features: Shop, request: pb.ListTopItemsRequest) -> bool:
    return bool((await features.features.ListTopItems(request)).item_nos)


def test_the_least_number_is_five() -> None:
    assert FeaturesSettings().minimum_users == K


@pytest.mark.parametrize("request_", RANKINGS)
async def test_an_item_is_ranked_from_k_users_on(
    settings: FeaturesSettings, clock: FixedClock, log: FakeEventService, request_: pb.ListTopItemsRequest
) -> None:
    strict = FeaturesSettings(**{**dict(settings), "minimum_users": K})
    async with shop(strict, clock) as features:
        await features.upsert(item("tea"))
        for number, visitor in enumerate(VISITORS[: K - 1]):
            log.append(event(f"{number}", visitor, EVENT_TYPE_PURCHASE, "tea"))
            log.append(event(f"{number} again", visitor, EVENT_TYPE_PURCHASE, "tea", 1))
        await features.applied(2 * (K - 1))
        assert not await ranked(features, request_)
        log.append(event("last", VISITORS[-1], EVENT_TYPE_PURCHASE, "tea"))
        await features.applied(2 * K - 1)
        assert await ranked(features, request_)
        log.append(event("back", VISITORS[-1], EVENT_TYPE_REFUND, "tea", 2))
        await features.applied(2 * K)
        assert not await ranked(features, request_)


async def test_services_are_told_how_many_users_there_are(features: Shop, log: FakeEventService) -> None:
    await features.upsert(item("tea"), item("bread"))
    for number, visitor in enumerate(VISITORS[:3]):
        log.append(event(f"{number}", visitor, EVENT_TYPE_VIEW, "tea"))
    log.append(event("bread", VISITORS[0], EVENT_TYPE_PURCHASE, "bread"))
    await features.applied(4)
    await features.saved(4)
    answer = await features.features.ListItemStatistics(pb.ListItemStatisticsRequest())
    assert dict(zip(answer.item_nos, answer.user_counts, strict=True)) == {1: 3, 2: 1}
