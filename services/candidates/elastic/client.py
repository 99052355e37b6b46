import base64
from typing import Any

from elasticsearch import AsyncElasticsearch

from services.candidates.elastic.elasticsearch_settings import ElasticsearchSettings


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
