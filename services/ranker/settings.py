"""Settings of the ranker."""

from typing import ClassVar, Literal, Self

from pydantic import Field, PositiveInt, model_validator
from pydantic_settings import SettingsConfigDict

from services.common.settings import ServiceSettings
from services.ranker.inputs.named_vectors import require_encoder


class RankerSettings(ServiceSettings):
    """Variables VITRINE_RANKER_<FIELD>; the addresses also without RANKER_."""

    model_config = SettingsConfigDict(env_prefix="VITRINE_RANKER_")
    shared_fields: ClassVar[frozenset[str]] = ServiceSettings.shared_fields | {
        "features_address",
        "model_server_address",
    }

    port: int = Field(7104, ge=0, le=65535, description="Port to listen on; 0 takes any free one.")
    features_address: str = Field(
        "127.0.0.1:7102", min_length=1, description="Where the features service is: host:port, or a gRPC target."
    )
    model_server_address: str = Field(
        "127.0.0.1:8500", min_length=1, description="Where TensorFlow Serving or the embedded model server is."
    )
    model_name: str = Field("behavior", min_length=1, description="Name of the model at the model server.")
    model: str = Field(
        "",
        description='Version or label to call if a request names none; empty is "stable" or, if there is none, the '
        "latest.",
    )
    vectors: dict[str, PositiveInt] = Field(
        {},
        description='Names and lengths of the item vectors of the shop that the model looks at, as JSON: {"text": 64}. '
        "They are those of the model's configuration; a model without vectors is sent none.",
    )
    text_encoder: Literal["", "minilm"] = Field(
        "",
        description="Encoder whose vectors of the items' texts the model looks at: minilm (the extra of that name), or "
        "none. It is that of the model's configuration.",
    )
    model_timeout_seconds: float = Field(
        0.5, gt=0, le=60, allow_inf_nan=False, description="The longest to wait for the model, deadline or not."
    )
    model_poll_seconds: float = Field(
        1.0,
        gt=0,
        le=3600,
        allow_inf_nan=False,
        description="How often to ask the model server what it serves.",
    )
    linear_reserve_seconds: float = Field(
        0.015, ge=0, le=10, allow_inf_nan=False, description="Time kept back from the model for the linear scorer."
    )
    breaker_failures: int = Field(
        3, ge=1, le=1000, description="After so many failures in a row the model is left alone."
    )
    breaker_seconds: float = Field(
        1.0,
        gt=0,
        le=600,
        allow_inf_nan=False,
        description="How long it isn't called, before one request tries it again.",
    )
    statistics_poll_seconds: float = Field(
        1.0, gt=0, le=3600, allow_inf_nan=False, description="How often the items' statistics are fetched."
    )
    weights_poll_seconds: float = Field(
        2.0,
        gt=0,
        le=3600,
        allow_inf_nan=False,
        description="How often to look for new weights of the linear scorer.",
    )
    click_weight: float = Field(
        1.0, allow_inf_nan=False, description="Value of a click, multiplied by its probability."
    )
    favorite_weight: float = Field(3.0, allow_inf_nan=False, description="Value of a favorite.")
    add_to_cart_weight: float = Field(4.0, allow_inf_nan=False, description="Value of an add to cart.")
    purchase_weight: float = Field(5.0, allow_inf_nan=False, description="Value of a purchase.")
    value_factor: Literal["none", "price", "margin"] = Field(
        "none", description="What the weighted sum is multiplied by: nothing, the item's price, or its margin."
    )
    unknown_factor: float = Field(
        1.0, allow_inf_nan=False, description="Price or margin of an item whose own is unknown."
    )

    @model_validator(mode="after")
    def _names_apart(self) -> Self:
        require_encoder(self.text_encoder, self.vectors)
        return self
