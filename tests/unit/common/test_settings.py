from pathlib import Path

import pytest
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import SettingsConfigDict

from services.common.settings import ServiceSettings, unknown_variables
from services.common.settings_help import render_faults, render_help


class ShopSettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="VITRINE_SHOP_")

    port: int = Field(7009, ge=0, le=65535, description="Port to listen on.")
    database_url: str = Field(description="Where the shop is kept.")
    mode: str | None = Field(None, description="How.")


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITRINE_SHOP_DATABASE_URL", "sqlite://")
    for name in ("LOG_LEVEL", "STATE_DIRECTORY", "SIGNING_KEY", "OTLP_ENDPOINT"):
        monkeypatch.delenv(f"VITRINE_{name}", raising=False)


def load() -> ShopSettings:
    return ShopSettings()


def test_defaults_are_those_of_the_service() -> None:
    settings = load()
    assert (settings.port, settings.host, settings.metrics_port) == (7009, "127.0.0.1", 0)
    assert settings.service_name() == "shop"


def test_a_variable_with_the_services_name_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITRINE_SHOP_PORT", "7010")
    monkeypatch.setenv("vitrine_shop_host", "0.0.0.0")
    assert (load().port, load().host) == (7010, "0.0.0.0")


def test_shared_variables_are_read_without_the_services_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITRINE_LOG_LEVEL", "WARNING")
    monkeypatch.setenv("VITRINE_STATE_DIRECTORY", "/srv/vitrine")
    monkeypatch.setenv("VITRINE_SIGNING_KEY", "k" * 32)
    settings = load()
    assert settings.log_level == "WARNING"
    assert settings.state_directory == Path("/srv/vitrine")
    assert settings.signing_key == SecretStr("k" * 32)


def test_the_services_own_variable_wins_over_the_shared_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITRINE_LOG_LEVEL", "WARNING")
    monkeypatch.setenv("VITRINE_SHOP_LOG_LEVEL", "DEBUG")
    assert load().log_level == "DEBUG"


def test_what_is_not_shared_is_not_read_without_the_services_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITRINE_PORT", "1")
    monkeypatch.setenv("VITRINE_DATABASE_URL", "mysql://elsewhere")
    assert (load().port, load().database_url) == (7009, "sqlite://")


def test_an_empty_variable_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITRINE_SHOP_PORT", "")
    monkeypatch.setenv("VITRINE_LOG_LEVEL", "")
    assert (load().port, load().log_level) == (7009, "INFO")


def test_settings_do_not_change() -> None:
    settings = load()
    with pytest.raises(ValidationError, match="frozen"):
        setattr(settings, "port", 1)  # noqa: B010  # the type checker knows already


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("VITRINE_SHOP_PORT", "65536", "less than or equal to 65535"),
        ("VITRINE_SHOP_PORT", "seven", "'seven'"),
        ("VITRINE_SHOP_GRACE_SECONDS", "nan", "finite"),
        ("VITRINE_SHOP_DEFAULT_DEADLINE_SECONDS", "0", "greater than 0"),
        ("VITRINE_SHOP_LOG_LEVEL", "LOUD", "'DEBUG', 'INFO', 'WARNING' or 'ERROR'"),
        ("VITRINE_SHOP_MAX_MESSAGE_BYTES", "4GB", "valid integer"),
    ],
)
def test_a_wrong_variable_is_named_with_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ValidationError) as caught:
        load()
    text = render_faults(ShopSettings, caught.value)
    assert variable in text
    assert said in text


def test_a_missing_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VITRINE_SHOP_DATABASE_URL")
    with pytest.raises(ValidationError) as caught:
        load()
    assert "VITRINE_SHOP_DATABASE_URL Field required. Where the shop is kept." in render_faults(
        ShopSettings, caught.value
    )


def test_a_short_signing_key_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITRINE_SIGNING_KEY", "hunter2")
    with pytest.raises(ValidationError) as caught:
        load()
    text = render_faults(ShopSettings, caught.value)
    assert "has 7 bytes; give 32 or more" in text
    assert "hunter2" not in text + str(caught.value)


def test_help_names_every_variable_its_type_default_and_meaning() -> None:
    text = render_help(ShopSettings)
    assert "VITRINE_SHOP_PORT  whole number, default 7009" in text
    assert "VITRINE_SHOP_DATABASE_URL  text, required" in text
    assert "or VITRINE_LOG_LEVEL, for all services" in text
    assert "DEBUG | INFO | WARNING | ERROR, default INFO" in text
    assert "VITRINE_SHOP_SIGNING_KEY  secret, default empty" in text
    assert "VITRINE_SHOP_MODE  text, default none" in text
    for field in ShopSettings.model_fields:
        assert ShopSettings.variable(field) in text
    assert max(map(len, text.splitlines())) <= 80


def test_misspelt_variables_are_found() -> None:
    environment = {"VITRINE_SHOP_PROT": "1", "VITRINE_SHOP_PORT": "2", "VITRINE_OTHER_PORT": "3", "PATH": "/bin"}
    assert unknown_variables(ShopSettings, environment) == {"VITRINE_SHOP_PROT": "VITRINE_SHOP_PORT"}
    assert unknown_variables(ShopSettings, {"VITRINE_SHOP_QQQQ": "1"}) == {"VITRINE_SHOP_QQQQ": None}
