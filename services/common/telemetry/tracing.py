"""OpenTelemetry traces. Without an endpoint nothing is installed or even imported, and a call pays nothing."""

from collections.abc import Sequence

import grpc
from opentelemetry import trace
from opentelemetry.trace import ProxyTracerProvider, TracerProvider


def configure_tracing(service: str, otlp_endpoint: str) -> None:
    """Sends the process's spans to `otlp_endpoint` (gRPC, "http://host:4317"); does nothing if that is empty."""
    if not otlp_endpoint:
        return
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider as ExportingProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = ExportingProvider(resource=Resource.create({"service.name": service, "service.namespace": "vitrine"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=otlp_endpoint)))
    trace.set_tracer_provider(provider)


def shut_down_tracing() -> None:
    """Sends the spans that are still waiting."""
    if (shut_down := getattr(_provider(), "shutdown", None)) is not None:
        shut_down()


def server_interceptors() -> Sequence[grpc.aio.ServerInterceptor]:
    """Returns what continues a caller's trace; health checks and reflection leave no spans."""
    if (provider := _provider()) is None:
        return []
    from opentelemetry.instrumentation.grpc import aio_server_interceptor, filters

    traced = filters.negate(
        filters.any_of(
            filters.service_prefix("grpc.health."),
            filters.service_prefix("grpc.reflection."),
        )
    )
    return [aio_server_interceptor(tracer_provider=provider, filter_=traced)]  # type: ignore[no-untyped-call]  # ships no types for these


def client_interceptors() -> Sequence[grpc.aio.ClientInterceptor]:
    """Returns what carries the present trace to the called service."""
    if (provider := _provider()) is None:
        return []
    from opentelemetry.instrumentation.grpc import aio_client_interceptors

    return list(aio_client_interceptors(tracer_provider=provider))  # type: ignore[no-untyped-call]  # the same


def _provider() -> TracerProvider | None:
    provider = trace.get_tracer_provider()
    return None if isinstance(provider, ProxyTracerProvider) else provider
