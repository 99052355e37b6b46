"""The event log's composition root."""

import asyncio
from collections.abc import Sequence

import grpc

from services.common.application import Application
from services.common.clock import Clock, SystemClock
from services.common.database import Database, create_engine
from services.common.signing import Signer
from services.common.signing_key import load_signing_key
from services.common.telemetry.metrics import service_metrics
from services.events.change_signal import ChangeSignal
from services.events.cleaning.attributor import Attributor
from services.events.cleaning.event_cleaner import EventCleaner
from services.events.group_commit import GroupCommitter
from services.events.importing import Importer
from services.events.ingestion import Ingestion
from services.events.log_status import LogStatus
from services.events.metrics import EventMetrics
from services.events.page_log import PageLog
from services.events.read_pool import ReadPool
from services.events.servicer import EventServicer
from services.events.settings import EventsSettings
from services.events.storage.log_reader import LogReader
from services.events.storage.log_writer import LogWriter
from services.events.storage.schema import prepare
from services.events.storage.user_reader import UserReader
from services.events.tailing import Tailer
from services.events.user_erasure import UserErasure
from services.events.user_export import UserExport
from services.events.user_lists import UserLists
from vitrine.events.v1 import event_service_pb2
from vitrine.events.v1.event_service_pb2_grpc import add_EventServiceServicer_to_server

NAME = "events"


class EventsApplication:
    """The event log as the kit runs it."""

    name = NAME

    def __init__(
        self, servicer: EventServicer, database: Database, committer: GroupCommitter, pool: ReadPool, partitions: int
    ) -> None:
        self._servicer = servicer
        self._database = database
        self._committer = committer
        self._pool = pool
        self._partitions = partitions

    def register(self, server: grpc.aio.Server) -> Sequence[str]:
        add_EventServiceServicer_to_server(self._servicer, server)
        return [event_service_pb2.DESCRIPTOR.services_by_name["EventService"].full_name]

    async def start(self) -> None:
        await asyncio.to_thread(prepare, self._database, self._partitions)
        self._pool.start()
        self._committer.start()

    async def stop(self) -> None:
        await self._committer.close()
        self._pool.close()
        self._database.dispose()


def build(settings: EventsSettings, clock: Clock | None = None) -> Application:
    """Wires the event log. `clock` is the machine's unless a test says otherwise."""
    clock = clock or SystemClock()
    signer = Signer(load_signing_key(settings))
    metrics = EventMetrics(service_metrics(NAME))
    # One connection writes, the others read.
    database = Database(create_engine(settings.url(), pool_size=settings.read_threads + 1))
    grown = ChangeSignal()
    pool = ReadPool(settings.read_threads)

    def committed(rows: int) -> None:
        grown.notify()
        metrics.committed(rows)

    committer = GroupCommitter(
        LogWriter(database).apply,
        max_waiting=settings.max_waiting_events,
        max_group=settings.max_group_events,
        committed=committed,
    )
    attributor = Attributor(signer, settings.token_max_age_days, metrics.unattributed)
    ingestion = Ingestion(EventCleaner(settings.partitions, attributor), committer, clock, metrics.received)
    log_reader, user_reader = LogReader(database), UserReader(database)
    servicer = EventServicer(
        ingestion=ingestion,
        importer=Importer(ingestion),
        tailer=Tailer(log_reader, pool, grown, settings.tail_poll_seconds),
        lists=UserLists(user_reader, pool, signer),
        export=UserExport(user_reader, pool),
        erasure=UserErasure(committer, clock, settings.partitions),
        status=LogStatus(log_reader, pool),
        page_log=PageLog(committer),
    )
    return EventsApplication(servicer, database, committer, pool, settings.partitions)
