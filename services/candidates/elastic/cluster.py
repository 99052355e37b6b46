import base64
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from elasticsearch import ApiError, AsyncElasticsearch, ConnectionTimeout, TransportError

from services.candidates.elastic.elasticsearch_settings import ElasticsearchSettings
from services.common.circuit_breaker import CircuitBreaker
from services.common.errors import UnavailableError

_RESTING: Final = "Elasticsearch failed again and again and is not asked for a moment"
_REFUSED: Final = (401, 403)
_NOT_FOUND: Final = 404


class Cluster:
    """Elasticsearch: within a deadline, and not at all for a while where it failed again and again.

    Errors: UnavailableError with the reasons ELASTICSEARCH_UNREACHABLE, _LATE, _NO_INDEX, _REFUSED, _RESTING, or _ and
    the HTTP status.
    """

    def __init__(self, client: AsyncElasticsearch, seconds: float) -> None:
        self._client = client.options(request_timeout=seconds)
        self._patient = client
        self._breaker = CircuitBreaker(time.monotonic)

    @property
    def fault(self) -> str:
        """Why it is not asked now; empty: it is."""
        return _RESTING if self._breaker.open else ""

    async def ask(self, call: Callable[[AsyncElasticsearch], Awaitable[Any]]) -> Any:
        """Returns what a request's call answers: it has the request's time."""
        if not self._breaker.allow():
            raise UnavailableError(_RESTING, reason="ELASTICSEARCH_RESTING")
        with self._breaker.recording():
            return await _tell(call(self._client))

    async def work(self, call: Callable[[AsyncElasticsearch], Awaitable[Any]]) -> Any:
        """Returns what a call of the background answers: it has all the time that the client gives."""
        return await _tell(call(self._patient))

    async def close(self) -> None:
        """Lets go of the connections."""
        await self._patient.close()


async def _tell(answer: Awaitable[Any]) -> Any:
    """Returns the answer; what goes wrong is told in our own words."""
    try:
        return await answer
    except ConnectionTimeout as error:
        raise UnavailableError("Elasticsearch does not answer in time", reason="ELASTICSEARCH_LATE") from error
    except TransportError as error:
        raise UnavailableError("Elasticsearch cannot be reached", reason="ELASTICSEARCH_UNREACHABLE") from error
    except ApiError as error:
        raise UnavailableError(f"Elasticsearch answers {error}", reason=_reason(error.status_code)) from error


def _reason(status: int) -> str:
    if status in _REFUSED:
        return "ELASTICSEARCH_REFUSED"
    return "ELASTICSEARCH_NO_INDEX" if status == _NOT_FOUND else f"ELASTICSEARCH_{status}"


def connect(settings: ElasticsearchSettings) -> Cluster:
    """Returns the configured cluster; nothing is sent before the first call. To be called inside the event loop."""
    return Cluster(open_client(settings), settings.elasticsearch_timeout_seconds)


def open_client(settings: ElasticsearchSettings) -> AsyncElasticsearch:
    """Returns a client that logs in as configured; nothing is sent before the first call. To be called inside the event
    loop. It has a bulk's time for a call, and tries none twice: whoever calls knows whether a late answer is worth it.
    """
    login: dict[str, Any] = {}
    if key := settings.elasticsearch_api_key.get_secret_value():
        login["api_key"] = key
    elif settings.elasticsearch_username:
        # The client itself can encode ASCII alone; Elasticsearch reads UTF-8.
        pair = f"{settings.elasticsearch_username}:{settings.elasticsearch_password.get_secret_value()}"
        login["basic_auth"] = base64.b64encode(pair.encode()).decode()
    if settings.elasticsearch_ca_certs is not None:
        login["ca_certs"] = str(settings.elasticsearch_ca_certs)
    return AsyncElasticsearch(
        settings.elasticsearch_url,
        request_timeout=settings.elasticsearch_bulk_timeout_seconds,
        max_retries=0,
        retry_on_timeout=False,
        **login,
    )
