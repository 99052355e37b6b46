"""Prometheus metrics of one service."""

import asyncio
import functools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from threading import Thread
from typing import Final, TypeVar
from wsgiref.simple_server import WSGIServer

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    start_http_server,
)

from services.common.errors import FailedPreconditionError
from services.common.telemetry.declarations import Metric

NAMESPACE: Final = "vitrine"
_Made = TypeVar("_Made", Counter, Gauge, Histogram)


class Metrics:
    """Makes a service's metrics from their declarations, each once, in a registry of its own."""

    def __init__(self, service: str) -> None:
        self.service = service
        self.registry = CollectorRegistry()
        self._made: dict[str, Counter | Gauge | Histogram] = {}

    def counter(self, metric: Metric) -> Counter:
        """Returns the counter that `metric` declares."""
        return self._get(metric, Counter)

    def gauge(self, metric: Metric) -> Gauge:
        """Returns the gauge that `metric` declares."""
        return self._get(metric, Gauge)

    def histogram(self, metric: Metric) -> Histogram:
        """Returns the histogram that `metric` declares."""
        return self._get(metric, Histogram)

    def _get(self, metric: Metric, kind: type[_Made]) -> _Made:
        if metric.service not in {"", self.service}:
            raise ValueError(f"{metric.name} is declared for {metric.service}, not for {self.service}")
        made = self._made.get(metric.name)
        if made is None:
            made = self._made[metric.name] = self._make(metric)
        if not isinstance(made, kind):
            raise TypeError(f"{metric.name} is declared as a {metric.kind}")
        return made

    def _make(self, metric: Metric) -> Counter | Gauge | Histogram:
        prefix = f"{NAMESPACE}_{self.service}"
        match metric.kind:
            case "counter":
                return Counter(metric.name, metric.description, metric.labels, namespace=prefix, registry=self.registry)
            case "gauge":
                return Gauge(metric.name, metric.description, metric.labels, namespace=prefix, registry=self.registry)
            case "histogram":
                return Histogram(
                    metric.name,
                    metric.description,
                    metric.labels,
                    namespace=prefix,
                    registry=self.registry,
                    buckets=metric.buckets,
                )


@functools.cache
def service_metrics(service: str) -> Metrics:
    """Returns the process's metrics of `service`: what its server exposes. Tests make a Metrics of their own."""
    metrics = Metrics(service)
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=metrics.registry)
    return metrics


@asynccontextmanager
async def metrics_server(registry: CollectorRegistry, host: str, port: int, variable: str) -> AsyncIterator[None]:
    """Answers GET /metrics on `host`:`port` while the block runs; port 0 is off.

    Raises FailedPreconditionError if the port is taken, naming the `variable` that changes it.
    """
    if port == 0:
        yield
        return
    try:
        server, thread = start_http_server(port, host.strip("[]"), registry)
    except OSError as error:
        raise FailedPreconditionError(
            f"cannot listen on {host}:{port} for metrics ({error.strerror}); set {variable} to another port, or to 0",
            reason="PORT_TAKEN",
        ) from error
    try:
        yield
    finally:
        await asyncio.to_thread(_close, server, thread)


def _close(server: WSGIServer, thread: Thread) -> None:
    server.shutdown()
    server.server_close()  # waits for the answers that are under way
    thread.join()
