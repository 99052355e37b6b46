import math

import pytest

from services.events.cleaning.currencies import Currencies
from services.events.cleaning.event_fields import Fault
from services.events.settings import EventsSettings
from vitrine.events.v1.event_pb2 import Event

SHOP = Currencies("EUR", {"USD": 0.5, "JPY": 0.01})


def settled(currencies: Currencies, event: Event) -> Event:
    assert currencies.find_fault(event) is None
    currencies.settle(event)
    return event


def fault(currencies: Currencies, code: str, price: float = 1.0) -> Fault:
    found = currencies.find_fault(Event(currency_code=code, unit_price=price))
    assert found is not None
    return found


@pytest.mark.parametrize(("code", "price"), [("USD", 5.0), ("usd", 5.0), ("JPY", 0.1), ("EUR", 10.0), ("", 10.0)])
def test_prices_come_into_the_shops_currency(code: str, price: float) -> None:
    event = settled(SHOP, Event(currency_code=code, unit_price=10.0))
    assert math.isclose(event.unit_price, price)
    assert event.currency_code == "EUR"


def test_settling_again_changes_nothing() -> None:
    event = settled(SHOP, settled(SHOP, Event(currency_code="USD", unit_price=10.0)))
    assert event.unit_price == 5.0


def test_without_a_price_there_is_nothing_to_convert() -> None:
    assert settled(SHOP, Event(currency_code="USD")) == Event(currency_code="EUR")
    assert settled(SHOP, Event()) == Event()


def test_a_currency_without_a_rate_is_rejected_with_the_remedy() -> None:
    found = fault(SHOP, "gbp")
    assert (found.reason, found.field) == ("UNKNOWN_CURRENCY", "currency_code")
    assert "GBP, for which the shop has no rate; send prices in EUR, or add the rate of GBP to" in found.description


@pytest.mark.parametrize("code", ["EURO", "E1R", "ÄÖÜ", "XYZ", "€", "ﬀs", "EU\u200bR", "\uff25\uff35\uff32"])
@pytest.mark.parametrize("currencies", [SHOP, Currencies()])
def test_what_is_no_currency_is_rejected(currencies: Currencies, code: str) -> None:
    assert fault(currencies, code).reason == "UNKNOWN_CURRENCY"


def test_a_shop_without_a_currency_takes_all_as_they_are() -> None:
    event = settled(Currencies(), Event(currency_code="usd", unit_price=10.0))
    assert (event.unit_price, event.currency_code) == (10.0, "USD")


def test_a_price_that_is_too_much_once_converted_is_rejected() -> None:
    dear = Currencies("VND", {"KWD": 80_000.0})
    assert fault(dear, "KWD", 1e9).field == "unit_price"


def test_the_settings_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITRINE_EVENTS_CURRENCY", "eur")
    monkeypatch.setenv("VITRINE_EVENTS_CURRENCY_RATES", '{"usd": 0.92, "GBP": 1.17}')
    settings = EventsSettings()
    assert (settings.currency, settings.currency_rates) == ("EUR", {"USD": 0.92, "GBP": 1.17})


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("CURRENCY", "EURO", "three letters such as EUR"),
        ("CURRENCY_RATES", '{"DOLLAR": 1}', "three letters such as USD"),
        ("CURRENCY_RATES", '{"USD": 0}', "a number above 0"),
        ("CURRENCY_RATES", '{"USD": NaN}', "a number above 0"),
    ],
)
def test_wrong_settings_are_told(monkeypatch: pytest.MonkeyPatch, variable: str, value: str, told: str) -> None:
    monkeypatch.setenv(f"VITRINE_EVENTS_{variable}", value)
    with pytest.raises(ValueError, match=told):
        EventsSettings()


@pytest.mark.parametrize("code", ["XCG", "EUR", "VED", "SVC", "ZWG"])
def test_currencies_in_circulation_are_known(code: str) -> None:
    assert Currencies().find_fault(Event(currency_code=code, unit_price=1.0)) is None


@pytest.mark.parametrize("code", ["BGN", "ANG", "HRK", "DEM", "XAU", "XXX", "XTS", "CHE"])
def test_currencies_that_ended_and_codes_of_none_are_rejected(code: str) -> None:
    assert fault(Currencies(), code).reason == "UNKNOWN_CURRENCY"
