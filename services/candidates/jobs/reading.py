"""Reads what the jobs work from: the catalog, the event log, and who belongs to which group."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from services.candidates.artifacts.group_tastes import Group
from services.candidates.jobs.read_log import ReadLog
from services.candidates.visitor import groups_of
from services.common.channels import open_channel
from services.common.progress import Progress
from services.common.single_pass_reader import stream_catalog, stream_log
from services.common.visitors import visitor_from_key, visitor_key
from vitrine.events.v1.event_service_pb2 import TailEventsResponse
from vitrine.features.v1.catalog_service_pb2 import TailCatalogResponse
from vitrine.features.v1.user_service_pb2 import LookupUsersRequest
from vitrine.features.v1.user_service_pb2_grpc import UserServiceStub

_USERS: Final = 1_000


@dataclass(slots=True)
class CatalogNumbers:
    """The number of each item that is in the catalog, and the catalog's version."""

    item_nos: dict[str, int] = field(default_factory=dict)
    version: int = 0

    def take(self, answer: TailCatalogResponse) -> None:
        """Takes changes over."""
        for change in answer.changes:
            if change.HasField("item"):
                self.item_nos[change.item_id] = change.item_no
            else:
                self.item_nos.pop(change.item_id, None)
        self.version = answer.version


async def read_catalog(address: str, progress: Progress) -> tuple[dict[str, int], int]:
    """Returns the number of each item that is in the catalog, and the catalog's version."""
    numbers = CatalogNumbers()
    async with open_channel(address) as channel:
        await stream_catalog(channel, [numbers.take], progress)
    return numbers.item_nos, numbers.version


class LogReader:
    """Lets a log have what it has not yet, and calls `pause` after each `every` events or so."""

    def __init__(self, log: ReadLog, pause: Callable[[], Awaitable[None]], every: int) -> None:
        self._log = log
        self._pause = pause
        self._every = every
        self._read = 0

    async def take(self, answer: TailEventsResponse) -> None:
        """Takes an answer over; events that the log has had are passed over."""
        had = self._log.offsets
        for logged in answer.events:
            if logged.offset >= had.get(logged.partition, 0):
                self._log.interactions.add(logged)
        for place in answer.next_offsets:
            had[place.partition] = max(place.offset, had.get(place.partition, 0))
        self._read += len(answer.events)
        if self._read >= self._every:
            self._read = 0
            await self._pause()


async def read_events(
    address: str, log: ReadLog, progress: Progress, pause: Callable[[], Awaitable[None]], every: int
) -> None:
    """Reads the log from where `log` stands to where it ends now, and calls `pause` after each `every` events or so."""
    async with open_channel(address) as channel:
        await stream_log(channel, [LogReader(log, pause, every).take], progress, log.offsets)


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
