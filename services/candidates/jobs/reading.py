"""Reads what the jobs work from: the catalogue, the event log, and who belongs to which group."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import islice
from typing import Final

from services.candidates.artifacts.group_tastes import Group
from services.candidates.groups import groups_of
from services.candidates.jobs.read_log import ReadLog
from services.common.channels import open_channel
from services.common.progress import Progress
from services.common.visitors import visitor_from_key, visitor_key
from vitrine.events.v1.event_service_pb2 import GetLogStatusRequest, PartitionOffset, TailEventsRequest
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


async def read_events(
    address: str, log: ReadLog, progress: Progress, pause: Callable[[], Awaitable[None]], every: int
) -> None:
    """Reads the log from where `log` stands to where it ends now, and calls `pause` after each `every` events or so."""
    async with open_channel(address) as channel:
        events = EventServiceStub(channel)
        status = await events.GetLogStatus(GetLogStatusRequest())
        ends = {end.partition: end.offset for end in status.end_offsets}
        request = TailEventsRequest(batch_size=_EVENTS)
        if log.offsets:
            places = (PartitionOffset(partition=no, offset=log.offsets.get(no, 0)) for no in ends)
            getattr(request, "from").extend(places)  # a keyword of Python's
        read = 0
        total = sum(max(0, end - log.offsets.get(no, 0)) for no, end in ends.items())
        with progress.task("reading events", total=total) as task:
            async for answer in events.TailEvents(request):
                for logged in answer.events:
                    log.interactions.add(logged)
                log.offsets.update((place.partition, place.offset) for place in answer.next_offsets)
                task.advance(len(answer.events))
                read += len(answer.events)
                if read >= every:
                    read = 0
                    await pause()


async def read_groups(
    address: str, keys: Mapping[int, str], attributes: Sequence[str], progress: Progress
) -> dict[int, tuple[Group, ...]]:
    """Returns the groups of each visitor of whom the shop said something, by the number that `keys` gives their key."""
    groups: dict[int, tuple[Group, ...]] = {}
    if not attributes or not keys:
        return groups
    numbers = {key: number for number, key in keys.items()}
    async with open_channel(address) as channel:
        users = UserServiceStub(channel)
        with progress.task("reading users", total=len(numbers)) as task:
            for begin in range(0, len(numbers), _USERS):
                batch = list(islice(numbers, begin, begin + _USERS))
                answer = await users.LookupUsers(LookupUsersRequest(visitors=map(visitor_from_key, batch)))
                for user in answer.users:
                    number = numbers.get(visitor_key(user.visitor))
                    if number is not None:
                        groups[number] = groups_of(user.attributes, attributes)
                task.advance(len(batch))
    return groups
