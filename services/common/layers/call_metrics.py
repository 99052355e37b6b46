"""Counts and times every call."""

from collections.abc import AsyncIterator
from time import perf_counter
from typing import Any

import grpc
from prometheus_client import Histogram

from services.common.layers.layer import Context, Stream, Unary, WrappingLayer
from services.common.telemetry.declarations import CALL_SECONDS, OPEN_CALLS, STREAM_MESSAGES
from services.common.telemetry.metrics import Metrics


class CallMetricsLayer(WrappingLayer):
    """Times each call by method and status code; counts the calls in flight and the messages of answer streams."""

    def __init__(self, metrics: Metrics) -> None:
        self._seconds = metrics.histogram(CALL_SECONDS)
        self._open = metrics.gauge(OPEN_CALLS)
        self._messages = metrics.counter(STREAM_MESSAGES)

    def wrap_unary(self, method: str, behavior: Unary) -> Unary:
        open_calls, durations = self._open.labels(method), _Durations(self._seconds, method)

        async def measured(request: Any, context: Context) -> Any:
            began = perf_counter()
            open_calls.inc()
            outcome = grpc.StatusCode.CANCELLED  # without a code of its own, an aborted call was canceled
            try:
                response = await behavior(request, context)
                outcome = grpc.StatusCode.OK
                return response
            finally:
                open_calls.dec()
                durations.observe(_code(context) or outcome, perf_counter() - began)

        return measured

    def wrap_stream(self, method: str, behavior: Stream) -> Stream:
        open_calls, durations = self._open.labels(method), _Durations(self._seconds, method)
        messages = self._messages.labels(method)

        async def measured(request: Any, context: Context) -> AsyncIterator[Any]:
            began = perf_counter()
            open_calls.inc()
            outcome = grpc.StatusCode.CANCELLED  # without a code of its own, an aborted call was canceled
            try:
                async for response in behavior(request, context):
                    messages.inc()
                    yield response
                outcome = grpc.StatusCode.OK
            finally:
                open_calls.dec()
                durations.observe(_code(context) or outcome, perf_counter() - began)

        return measured


def _code(context: Context) -> grpc.StatusCode | None:
    """Returns the code that the servicer or an abort has set; None if nothing has."""
    code: Any = context.code()  # typed as never None, but None until set
    return code if isinstance(code, grpc.StatusCode) else None


class _Durations:
    """Caches a method's histograms by code: looking up a labeled metric costs more than observing."""

    def __init__(self, seconds: Histogram, method: str) -> None:
        self._seconds, self._method = seconds, method
        self._by_code: dict[grpc.StatusCode, Histogram] = {}

    def observe(self, code: grpc.StatusCode, seconds: float) -> None:
        histogram = self._by_code.get(code)
        if histogram is None:
            histogram = self._by_code[code] = self._seconds.labels(self._method, code.name)
        histogram.observe(seconds)
