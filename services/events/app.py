"""The event log's composition root."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import grpc

from services.common.application import Application
from services.common.background import ChangeSignal, run_in_thread, run_periodically
from services.common.clock import Clock, SystemClock
from services.common.database import Database, create_engine
from services.common.signing import Signer
from services.common.signing_key import load_signing_key
from services.common.telemetry.metrics import service_metrics
from services.events.cleaning.attributor import Attributor
from services.events.cleaning.currencies import Currencies
from services.events.cleaning.event_cleaner import EventCleaner
from services.events.cleaning.flagging import BotRate, BotUserAgent, Burst, Flagger
from services.events.group_commit import GroupCommitter
from services.events.importing import Importer
from services.events.ingestion import Ingestion
from services.events.metrics import EventMetrics
from services.events.page_log import PageLog
from services.events.privacy import UserConsent, UserErasure, UserExport
from services.events.quarantine import Quarantine
from services.events.read_pool import ReadPool
from services.events.retention import Retention
from services.events.servicer import EventServicer
from services.events.settings import EventsSettings
from services.events.storage.log_reader import LogReader
from services.events.storage.log_sweeper import LogSweeper
from services.events.storage.log_writer import LogWriter
from services.events.storage.quarantine_reader import QuarantineReader
from services.events.storage.schema import prepare
from services.events.storage.user_reader import UserReader
from services.events.tailing import LogStatus, Tailer
from services.events.user_lists import UserLists
from vitrine.events.v1 import event_service_pb2
from vitrine.events.v1.event_service_pb2_grpc import add_EventServiceServicer_to_server

NAME = "events"
_UPKEEP_SECONDS: Final = 3_600.0


class EventsApplication:
    """The event log as an application of the server kit."""

    name = NAME

    def __init__(
        self,
        *,
        servicer: EventServicer,
        database: Database,
        committer: GroupCommitter,
        pool: ReadPool,
        retention: Retention | None,
        partitions: int,
    ) -> None:
        self._servicer = servicer
        self._database = database
        self._committer = committer
        self._pool = pool
        self._retention = retention
        self._partitions = partitions
        self._upkeep: asyncio.Task[None] | None = None

    def register(self, server: grpc.aio.Server) -> Sequence[str]:
        add_EventServiceServicer_to_server(self._servicer, server)
        return [event_service_pb2.DESCRIPTOR.services_by_name["EventService"].full_name]

    async def start(self) -> None:
        await asyncio.to_thread(prepare, self._database, self._partitions)
        self._pool.start()
        self._committer.start()
        if self._retention is not None:
            self._retention.start()
        self._upkeep = asyncio.create_task(run_periodically("erase traces", self._erase_traces, _UPKEEP_SECONDS))

    async def stop(self) -> None:
        if self._upkeep is not None:
            self._upkeep.cancel()
            await asyncio.gather(self._upkeep, return_exceptions=True)
        if self._retention is not None:
            await self._retention.close()
        await self._committer.close()
        await self._pool.close()
        await asyncio.to_thread(self._database.dispose)  # SQLite empties its write-ahead log

    async def _erase_traces(self) -> None:
        await run_in_thread(self._database.erase_traces_left)


def build(settings: EventsSettings, clock: Clock | None = None) -> Application:
    """Wires the event log. `clock` is the system clock by default; tests pass their own."""
    clock = clock or SystemClock()
    signer = Signer(load_signing_key(settings))
    metrics = EventMetrics(service_metrics(NAME))
    # One connection appends, one deletes old rows, the others read.
    database = Database(create_engine(settings.url(), pool_size=settings.read_threads + 2))
    grown = ChangeSignal()
    pool = ReadPool(settings.read_threads)

    def committed(appended: int) -> None:
        grown.notify()
        metrics.committed(appended)

    committer = GroupCommitter(
        LogWriter(database).apply,
        max_waiting=settings.max_waiting_events,
        max_group=settings.max_group_events,
        committed=committed,
    )
    attributor = Attributor(signer, settings.token_max_age_days, metrics.unattributed)
    rules = (BotUserAgent(), BotRate(settings.bot_events_per_minute), Burst(settings.burst_repeats))
    cleaner = EventCleaner(
        settings.partitions,
        attributor,
        Currencies(settings.currency, settings.currency_rates),
        Flagger(rules, metrics.flagged),
    )
    ingestion = Ingestion(cleaner, committer, clock, metrics.received)
    log_reader, user_reader = LogReader(database), UserReader(database)
    servicer = EventServicer(
        ingestion=ingestion,
        importer=Importer(ingestion),
        tailer=Tailer(log_reader, pool, grown, settings.tail_poll_seconds),
        lists=UserLists(user_reader, pool, signer),
        export=UserExport(user_reader, pool),
        erasure=UserErasure(committer, clock, settings.partitions),
        consent=UserConsent(committer, settings.partitions),
        status=LogStatus(log_reader, pool),
        page_log=PageLog(committer),
        quarantine=Quarantine(QuarantineReader(database), pool, cleaner, committer, clock=clock, signer=signer),
    )
    return EventsApplication(
        servicer=servicer,
        database=database,
        committer=committer,
        pool=pool,
        retention=_retention(settings, database, clock, metrics),
        partitions=settings.partitions,
    )


def _retention(settings: EventsSettings, database: Database, clock: Clock, metrics: EventMetrics) -> Retention | None:
    if not settings.retention_days:
        return None
    return Retention(
        LogSweeper(database),
        clock,
        timedelta(days=settings.retention_days),
        settings.retention_interval_seconds,
        metrics.dropped,
    )
