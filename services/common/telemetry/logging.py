"""JSON logs, one object per line, without users' ids."""

import logging
import sys
from typing import Any, Final, TextIO

import structlog
from opentelemetry import trace
from structlog.typing import EventDict, Processor

from services.common.telemetry.redacted_exceptions import RedactedExceptions
from services.common.visitors import pseudonym

# Fields that identify a person are always logged as pseudonyms.
PERSONAL_FIELDS: Final = frozenset(
    {"user_id", "anonymous_id", "visitor", "visitor_key", "user", "known_user_id", "user_ids", "visitor_keys"}
)


def configure_logging(service: str, level: str = "INFO", *, secret: bytes = b"", stream: TextIO | None = None) -> None:
    """Sends structlog's and the standard library's logs to `stream` (stderr by default) as JSON.

    Fields: time (UTC, ISO 8601), level, service, logger, event, trace_id and span_id inside a trace, and bound fields.
    `secret` is the key of the users' pseudonyms.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        _Service(service),
        _add_trace,
        _Pseudonyms(secret),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                RedactedExceptions(),
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)


class _Service:
    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, _logger: Any, _method: str, fields: EventDict) -> EventDict:
        fields["service"] = self._name
        return fields


class _Pseudonyms:
    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def __call__(self, _logger: Any, _method: str, fields: EventDict) -> EventDict:
        for name in PERSONAL_FIELDS & fields.keys():
            value = fields[name]
            fields[name] = [self._one(v) for v in value] if isinstance(value, list | tuple | set) else self._one(value)
        return fields

    def _one(self, value: Any) -> str:
        return pseudonym(str(value), self._secret)


def _add_trace(_logger: Any, _method: str, fields: EventDict) -> EventDict:
    span = trace.get_current_span().get_span_context()
    if span.is_valid:
        fields["trace_id"] = trace.format_trace_id(span.trace_id)
        fields["span_id"] = trace.format_span_id(span.span_id)
    return fields
