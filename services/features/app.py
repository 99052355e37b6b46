"""The feature store's composition root."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence

import grpc

from services.common.application import Application
from services.common.background import run_periodically
from services.common.channels import ChannelLimits, open_channel
from services.common.clock import Clock, SystemClock
from services.common.database import Database, create_engine
from services.common.signing import Signer
from services.common.signing_key import load_signing_key
from services.common.telemetry.metrics import service_metrics
from services.features.catalog.catalog import Catalog
from services.features.event_log import EventLog
from services.features.materializer.leases import worker_name
from services.features.materializer.ledger import Ledger
from services.features.materializer.materializer import LogAge, Materializer
from services.features.materializer.rebuild import Rebuild
from services.features.metrics import FeatureMetrics
from services.features.servicers.catalog_servicer import CatalogServicer
from services.features.servicers.feature_servicer import FeatureServicer
from services.features.servicers.user_servicer import UserServicer
from services.features.settings import FeaturesSettings
from services.features.statistics.item_ranking import ItemRanking
from services.features.statistics.statistics_reader import StatisticsReader
from services.features.store.store import Store
from services.features.upkeep import Upkeep
from services.features.users.consent_outbox import ConsentOutbox
from services.features.users.lifecycle import UserLifecycle
from services.features.users.merge_sweeper import MergeSweeper
from services.features.users.recomputation import Recomputation
from services.features.users.user_export import UserExport
from services.features.users.user_features import UserFeatureReader
from services.features.users.users import Users
from vitrine.events.v1.event_service_pb2_grpc import EventServiceStub
from vitrine.features.v1 import catalog_service_pb2, feature_service_pb2, user_service_pb2
from vitrine.features.v1.catalog_service_pb2_grpc import add_CatalogServiceServicer_to_server
from vitrine.features.v1.feature_service_pb2_grpc import add_FeatureServiceServicer_to_server
from vitrine.features.v1.user_service_pb2_grpc import add_UserServiceServicer_to_server

NAME = "features"


class FeaturesApplication:
    """The feature store as the kit runs it."""

    name = NAME

    def __init__(
        self,
        *,
        settings: FeaturesSettings,
        store: Store,
        catalog: Catalog,
        users: Users,
        ledger: Ledger,
        materializer: Materializer,
        upkeep: Upkeep,
        statistics: StatisticsReader,
        log: EventLog,
        servicers: tuple[CatalogServicer, UserServicer, FeatureServicer],
    ) -> None:
        self._settings = settings
        self._store = store
        self._catalog = catalog
        self._users = users
        self._ledger = ledger
        self._materializer = materializer
        self._upkeep = upkeep
        self._statistics = statistics
        self._log = log
        self._servicers = servicers
        self._stack = contextlib.AsyncExitStack()

    def register(self, server: grpc.aio.Server) -> Sequence[str]:
        catalog, users, features = self._servicers
        add_CatalogServiceServicer_to_server(catalog, server)
        add_UserServiceServicer_to_server(users, server)
        add_FeatureServiceServicer_to_server(features, server)
        return [
            catalog_service_pb2.DESCRIPTOR.services_by_name["CatalogService"].full_name,
            user_service_pb2.DESCRIPTOR.services_by_name["UserService"].full_name,
            feature_service_pb2.DESCRIPTOR.services_by_name["FeatureService"].full_name,
        ]

    async def start(self) -> None:
        self._stack.push_async_callback(self._store.close)
        self._stack.push_async_callback(self._statistics.close)
        await self._store.start()
        await self._catalog.load()
        await self._users.load()
        await self._ledger.load()
        limits = ChannelLimits(max_message_bytes=self._settings.max_message_bytes)
        channel = await self._stack.enter_async_context(open_channel(self._settings.events_address, limits=limits))
        self._log.connect(EventServiceStub(channel))
        for name, step, pause_seconds in self._upkeep.tasks():
            self._background(name, step, pause_seconds)
        self._materializer.start(EventServiceStub(channel))
        self._stack.push_async_callback(self._materializer.stop)

    async def stop(self) -> None:
        await self._stack.aclose()

    def _background(self, name: str, step: Callable[[], Awaitable[None]], pause_seconds: float) -> None:
        task = asyncio.create_task(run_periodically(name, step, pause_seconds))

        async def end() -> None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        self._stack.push_async_callback(end)


def build(settings: FeaturesSettings, clock: Clock | None = None) -> Application:
    """Wires the feature store. `clock` is the machine's unless a test says otherwise."""
    clock = clock or SystemClock()
    metrics = FeatureMetrics(service_metrics(NAME))
    # One connection writes, the others read.
    store = Store(Database(create_engine(settings.url(), pool_size=settings.read_threads + 1)), settings.read_threads)
    catalog = Catalog(store, settings.cached_items)
    users = Users(store, settings.cached_users)
    log = EventLog()
    name = worker_name(settings.host, settings.port)
    ledger = Ledger(store, catalog, users, clock, worker=name.own, cached_users=settings.cached_users)
    statistics = StatisticsReader(ledger.statistics, ItemRanking(catalog, settings.minimum_users))
    log_age = LogAge(clock)
    signer = Signer(load_signing_key(settings))
    materializer = Materializer(
        ledger,
        metrics,
        batch_size=settings.tail_batch_size,
        max_unsaved=settings.max_unsaved_events,
        lease_seconds=settings.lease_seconds,
        earlier_names=name.earlier,
        log_age=log_age,
    )
    servicers = (
        CatalogServicer(catalog, clock, signer),
        UserServicer(users, UserLifecycle(store, users, ledger, log), UserExport(users, ledger, catalog), clock),
        FeatureServicer(
            UserFeatureReader(users, ledger, catalog, log_age),
            ledger,
            statistics,
            materializer=materializer,
            recomputation=Recomputation(store, users, catalog, log),
            rebuild=Rebuild(store, catalog, users, log, materializer),
            store=store,
            clock=clock,
            signer=signer,
        ),
    )
    return FeaturesApplication(
        settings=settings,
        store=store,
        catalog=catalog,
        users=users,
        ledger=ledger,
        materializer=materializer,
        upkeep=Upkeep(
            store,
            catalog,
            users,
            ledger,
            sweeper=MergeSweeper(store, users, ledger, clock),
            outbox=ConsentOutbox(store, log),
            poll_seconds=settings.poll_seconds,
        ),
        statistics=statistics,
        log=log,
        servicers=servicers,
    )
