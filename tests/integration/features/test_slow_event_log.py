"""An event log that takes its time with an erasure keeps nobody else waiting."""

import asyncio

import grpc
import pytest

from services.features.settings import FeaturesSettings
from tests.integration.features.shop import Shop, event
from tests.support.fake_event_service import FakeEventService
from vitrine.common.v1.visitor_pb2 import Visitor
from vitrine.events.v1 import event_service_pb2 as pb
from vitrine.events.v1.event_pb2 import EVENT_TYPE_VIEW
from vitrine.features.v1 import user_service_pb2 as user_pb
from vitrine.features.v1.user_pb2 import User

ERASED = Visitor(user_id="erased")
SOON_SECONDS = 5.0


class SlowEventService(FakeEventService):
    """A log whose erasures wait for `go_on`."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Visitor] = []
        self.was_asked = asyncio.Event()
        self.go_on = asyncio.Event()

    async def DeleteUser(
        self, request: pb.DeleteUserRequest, context: grpc.aio.ServicerContext[pb.DeleteUserRequest, object]
    ) -> pb.DeleteUserResponse:
        self.asked.append(request.visitor)
        self.was_asked.set()
        await self.go_on.wait()
        return await super().DeleteUser(request, context)


@pytest.fixture
async def log() -> SlowEventService:
    return SlowEventService()  # type: ignore[abstract]  # what the store calls


async def test_others_are_read_and_written_while_an_erasure_waits_for_the_log(
    features: Shop, log: SlowEventService, settings: FeaturesSettings
) -> None:
    erasing = asyncio.ensure_future(features.users.DeleteUser(user_pb.DeleteUserRequest(visitor=ERASED)))
    async with asyncio.timeout(SOON_SECONDS):
        await log.was_asked.wait()
        assert not (await features.user(Visitor(user_id="new"))).known
        update = user_pb.UserUpdate(user=User(visitor=Visitor(user_id="other")))
        written = await features.users.UpsertUsers(user_pb.UpsertUsersRequest(updates=[update]))
        assert [result.status for result in written.results] == [user_pb.USER_STATUS_CREATED]
    log.go_on.set()
    await erasing


async def test_whoever_is_merged_into_the_user_meanwhile_is_erased_too(features: Shop, log: SlowEventService) -> None:
    visitor = Visitor(anonymous_id="phone")
    log.append(event("e1", visitor, EVENT_TYPE_VIEW, "i1"))
    await features.applied(1)
    erasing = asyncio.ensure_future(features.users.DeleteUser(user_pb.DeleteUserRequest(visitor=ERASED)))
    async with asyncio.timeout(SOON_SECONDS):
        await log.was_asked.wait()
        await features.users.MergeUsers(user_pb.MergeUsersRequest(anonymous_id="phone", user_id="erased"))
    log.go_on.set()
    receipt = await erasing
    assert log.asked == [ERASED, visitor]
    assert receipt.deleted_event_count == 1
    assert not (await features.user(visitor)).known
