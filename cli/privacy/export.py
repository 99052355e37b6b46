import json
from collections.abc import AsyncIterator
from typing import Final

from cli.shop import Shop
from services.common.visitors import visitor_from_key
from vitrine.common.v1.visitor_pb2 import Visitor
from vitrine.events.v1 import event_service_pb2 as events_pb
from vitrine.events.v1.event_service_pb2_grpc import EventServiceStub
from vitrine.features.v1 import user_service_pb2 as features_pb
from vitrine.features.v1.user_service_pb2_grpc import UserServiceStub

TIMEOUT_SECONDS: Final = 600.0


async def exported_lines(shop: Shop, visitor: Visitor) -> AsyncIterator[bytes]:
    """Yields all that the shop knows of a visitor, as lines of JSON: words, state, and the events, rejected events and
    pages of the visitor and of everyone merged into the same user.
    """
    visitors = [visitor]
    async for line in _known_lines(shop, visitor):
        _add_merged(visitors, line)
        yield line
    async with shop.channel("events") as channel:
        for each in visitors:
            wanted = events_pb.ExportUserRequest(visitor=each)
            async for answer in EventServiceStub(channel).ExportUser(wanted, timeout=TIMEOUT_SECONDS):
                yield answer.json_lines


async def visitors_of(shop: Shop, visitor: Visitor) -> list[Visitor]:
    """Returns a visitor and everyone merged into the same user."""
    visitors = [visitor]
    async for line in _known_lines(shop, visitor):
        _add_merged(visitors, line)
    return visitors


async def _known_lines(shop: Shop, visitor: Visitor) -> AsyncIterator[bytes]:
    """Yields what the features service knows of a visitor, as lines of JSON."""
    async with shop.channel("features") as channel:
        request = features_pb.ExportUserRequest(visitor=visitor)
        async for part in UserServiceStub(channel).ExportUser(request, timeout=TIMEOUT_SECONDS):
            for line in part.json_lines.splitlines(keepends=True):
                yield line


def _add_merged(visitors: list[Visitor], line: bytes) -> None:
    visitors += [merged for merged in _merged(line) if merged not in visitors]


def _merged(line: bytes) -> list[Visitor]:
    """Returns who the user of an exported line is besides: the user's own id, and those of merged visitors."""
    told = json.loads(line)
    if told.get("kind") != "user":
        return []
    return [visitor_from_key(told["key"]), *(Visitor(anonymous_id=each) for each in told["merged_anonymous_ids"])]
