from pathlib import Path

from pydantic import Field, SecretStr

from services.common.settings import ServiceSettings


class ElasticsearchSettings(ServiceSettings):
    """Where Elasticsearch is and how it is used. Without an address the embedded content index answers."""

    elasticsearch_url: str = Field(
        "", description="Elasticsearch's address, as in https://search:9200; empty: the embedded index answers."
    )
    elasticsearch_index: str = Field(
        "items", pattern="^[a-z0-9][a-z0-9_-]{0,99}$", description="The alias that the index of the items has."
    )
    elasticsearch_username: str = Field("", description="Login by name and password.")
    elasticsearch_password: SecretStr = Field(SecretStr(""), description="The password of that login.")
    elasticsearch_api_key: SecretStr = Field(SecretStr(""), description="Login by API key, which goes before a name.")
    elasticsearch_ca_certs: Path | None = Field(
        None, description="PEM file of the authorities that an https address is checked by; else the system's."
    )
    elasticsearch_timeout_seconds: float = Field(
        0.2, gt=0, le=60, allow_inf_nan=False, description="How long a request waits for Elasticsearch."
    )
    elasticsearch_bulk_timeout_seconds: float = Field(
        30.0, gt=0, le=600, allow_inf_nan=False, description="How long indexing waits for Elasticsearch."
    )
    elasticsearch_shards: int = Field(1, ge=1, le=1024, description="Primary shards of an index that is made anew.")
    elasticsearch_replicas: int = Field(1, ge=0, le=20, description="Replicas of each shard.")
    elasticsearch_writer: bool = Field(
        True, description="Whether this process may keep the index; of those that may one does, the others stand by."
    )
