"""Runs an application as a gRPC server, from opening the port to answering the last call."""

import asyncio
import contextlib
import gc
import signal
from collections.abc import AsyncIterator
from typing import Final

import grpc
import structlog
from grpc_health.v1 import health
from grpc_reflection.v1alpha import reflection

from services.common.application import Application
from services.common.errors import FailedPreconditionError
from services.common.health import Health
from services.common.layers.call_metrics import CallMetricsLayer
from services.common.layers.default_deadline import DefaultDeadlineLayer
from services.common.layers.error_mapping import ErrorMappingLayer, answer_unimplemented
from services.common.layers.interceptor import LayersInterceptor
from services.common.layers.layer import Handler, Layer
from services.common.layers.messages import MessageLayer
from services.common.layers.open_streams import OpenStreamsLayer
from services.common.layers.readiness_gate import ReadinessGateLayer
from services.common.settings import ServiceSettings
from services.common.telemetry import tracing
from services.common.telemetry.metrics import metrics_server, service_metrics

# gRPC's own limit, as a multiple of ours: between the two the caller gets our advice, above it gRPC's terse refusal.
_HARD_LIMIT_FACTOR: Final = 4
_ANY_ADDRESS: Final = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}  # noqa: S104  # read, not bound to


class Server:
    """One application on one port.

    The order of its steps is the contract with probes and load balancers. Start: the port opens, health is NOT_SERVING,
    the application starts, health is SERVING. Stop: health is NOT_SERVING, new calls are refused, those in flight
    finish within `grace_seconds`, the application stops.
    """

    def __init__(self, settings: ServiceSettings, application: Application) -> None:
        self._settings = settings
        self._application = application
        self._log = structlog.get_logger("vitrine.server")
        self._metrics = service_metrics(application.name)
        self._health = Health()
        self._gate = ReadinessGateLayer()
        self._streams = OpenStreamsLayer()
        self._stack = contextlib.AsyncExitStack()
        self.port = 0

    @property
    def address(self) -> str:
        """The address for channels on the same machine, once started."""
        return f"{_ANY_ADDRESS.get(self._settings.host, self._settings.host)}:{self.port}"

    async def start(self) -> None:
        """Returns once the server is ready for calls. Call `stop` even if it fails.

        Raises FailedPreconditionError if a port is taken, and whatever the application's `start` raises.
        """
        settings, application = self._settings, self._application
        await self._stack.enter_async_context(
            metrics_server(
                self._metrics.registry, settings.host, settings.metrics_port, settings.variable("metrics_port")
            )
        )
        server = grpc.aio.server(interceptors=self._interceptors(), options=self._options())
        names = application.register(server)
        await self._health.register(server, names)
        reflection.enable_server_reflection([*names, health.SERVICE_NAME, reflection.SERVICE_NAME], server)
        self.port = self._bind(server)
        await server.start()
        self._stack.push_async_callback(application.stop)
        self._stack.push_async_callback(self._drain, server)  # before the application stops
        await application.start()
        self._gate.open = True
        await self._health.set_ready(ready=True)
        self._log.info("serving", address=self.address, grpc_services=list(names))

    async def stop(self) -> None:
        """Finishes the calls in flight, then stops the application. Calling it again does nothing."""
        await self._stack.aclose()

    async def _drain(self, server: grpc.aio.Server) -> None:
        self._log.info("stopping", grace_seconds=self._settings.grace_seconds)
        await self._health.set_ready(ready=False)
        ending = asyncio.create_task(self._streams.end_idle())
        await server.stop(self._settings.grace_seconds)
        ending.cancel()
        self._log.info("stopped")

    def _bind(self, server: grpc.aio.Server) -> int:
        host, port = self._settings.host, self._settings.port
        try:
            return server.add_insecure_port(f"{host}:{port}")
        except RuntimeError as error:
            raise FailedPreconditionError(
                f"cannot listen on {host}:{port}: the port is taken, or the address is not this machine's; "
                f"set {self._settings.variable('port')} or {self._settings.variable('host')}",
                reason="PORT_TAKEN",
            ) from error

    def _interceptors(self) -> list[grpc.aio.ServerInterceptor]:
        layers: list[Layer] = [  # from the outside in
            CallMetricsLayer(self._metrics),
            ErrorMappingLayer(),
            self._gate,
            self._streams,
            MessageLayer(self._settings.max_message_bytes),
            DefaultDeadlineLayer(self._settings.default_deadline_seconds),
        ]
        absent: Handler = grpc.unary_unary_rpc_method_handler(answer_unimplemented)
        return [*tracing.server_interceptors(), LayersInterceptor(layers, absent)]

    def _options(self) -> list[tuple[str, int]]:
        hard_limit = self._settings.max_message_bytes * _HARD_LIMIT_FACTOR
        return [
            # Two processes on one port would share its calls at random: make the second one fail.
            ("grpc.so_reuseport", 0),
            ("grpc.max_receive_message_length", hard_limit),
            ("grpc.max_send_message_length", hard_limit),
            # Clients reconnect now and then, and so find new servers. Open streams may finish.
            ("grpc.max_connection_age_ms", round(self._settings.max_connection_age_seconds * 1000)),
            # Allow the idle pings of `channels.py`.
            ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
            ("grpc.keepalive_permit_without_calls", 1),
        ]


@contextlib.asynccontextmanager
async def running(settings: ServiceSettings, application: Application) -> AsyncIterator[Server]:
    """Serves while the block runs."""
    server = Server(settings, application)
    try:
        await server.start()
        yield server
    finally:
        await server.stop()


async def serve(settings: ServiceSettings, application: Application, *, stop: asyncio.Event | None = None) -> None:
    """Serves until SIGTERM, SIGINT or `stop`; a signal during the startup ends that too.

    Raises as `Server.start` does.
    """
    stop = stop or asyncio.Event()
    loop = asyncio.get_running_loop()
    signals = (signal.SIGTERM, signal.SIGINT)
    for number in signals:
        # A terminal's Ctrl-C and a launcher's SIGTERM often come together: ignore the second one.
        loop.add_signal_handler(number, stop.set)
    server = Server(settings, application)
    starting, stopping = asyncio.create_task(server.start()), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            _freeze_startup_objects()
            await stopping
    finally:
        for task in (starting, stopping):
            task.cancel()
        await asyncio.gather(starting, stopping, return_exceptions=True)
        await server.stop()
        for number in signals:
            loop.remove_signal_handler(number)


def _freeze_startup_objects() -> None:
    """Excludes what was imported and loaded from garbage collection: it lives until the end, and scanning it would
    pause all calls now and then (60 ms in the feature store, `make bench-features`).
    """
    gc.collect()
    gc.freeze()
