"""Reads what the jobs work from: the catalogue, the event log, and who belongs to which group."""

from collections.abc import Mapping, Sequence
from typing import Final

from services.candidates.artifacts.group_tastes import Group
from services.candidates.groups import groups_of
from services.candidates.jobs.interactions import Interactions
from services.common.channels import open_channel
from services.common.progress import Progress
from services.common.visitors import visitor_from_key, visitor_key
from vitrine.events.v1.event_service_pb2 import GetLogStatusRequest, TailEventsRequest
from vitrine.events.v1.event_service_pb2_grpc import EventServiceStub
from vitrine.features.v1.catalog_service_pb2 import TailCatalogRequest
from vitrine.features.v1.catalog_service_pb2_grpc import CatalogServiceStub
from vitrine.features.v1.user_service_pb2 import LookupUsersRequest
from vitrine.features.v1.user_service_pb2_grpc import UserServiceStub

_EVENTS: Final = 5_000
_ITEMS: Final = 1_000
_USERS: Final = 1_000


async def read_catalog(address: str, progress: Progress) -> tuple[dict[str, int], int]:
    """Returns the number of each item that is in the catalogue, and the catalogue's version."""
    item_nos: dict[str, int] = {}
    version = 0
    async with open_channel(address) as channel:
        with progress.task("reading the catalogue") as task:
            request = TailCatalogRequest(batch_size=_ITEMS, brief=True)
            async for answer in CatalogServiceStub(channel).TailCatalog(request):
                for change in answer.changes:
                    if change.HasField("item"):
                        item_nos[change.item_id] = change.item_no
                    else:
                        item_nos.pop(change.item_id, None)
                version = answer.version
                task.advance(len(answer.changes))
    return item_nos, version


async def read_events(address: str, interactions: Interactions, progress: Progress) -> None:
    """Reads the log to where it ends now."""
    async with open_channel(address) as channel:
        events = EventServiceStub(channel)
        status = await events.GetLogStatus(GetLogStatusRequest())
        with progress.task("reading events", total=sum(end.offset for end in status.end_offsets)) as task:
            async for answer in events.TailEvents(TailEventsRequest(batch_size=_EVENTS)):
                for logged in answer.events:
                    interactions.add(logged)
                task.advance(len(answer.events))


async def read_groups(
    address: str, keys: Sequence[str], attributes: Sequence[str], progress: Progress
) -> Mapping[int, Sequence[Group]]:
    """Returns the groups of each visitor of whom the shop said something, by the place of the key."""
    groups: dict[int, Sequence[Group]] = {}
    if not attributes:
        return groups
    async with open_channel(address) as channel:
        users = UserServiceStub(channel)
        with progress.task("reading users", total=len(keys)) as task:
            for begin in range(0, len(keys), _USERS):
                places = {key: begin + place for place, key in enumerate(keys[begin : begin + _USERS])}
                answer = await users.LookupUsers(LookupUsersRequest(visitors=map(visitor_from_key, places)))
                for user in answer.users:
                    place = places.get(visitor_key(user.visitor))
                    if place is not None:
                        groups[place] = groups_of(user.attributes, attributes)
                task.advance(len(places))
    return groups
