from collections.abc import Mapping

from services.common.iso_4217 import currency_codes
from services.events.cleaning.event_fields import MAX_UNIT_PRICE, Fault
from vitrine.events.v1.event_pb2 import Event


class Currencies:
    """Converts prices into the shop's currency, so that amounts can be compared and added.

    `rates` has the value of one unit of each other currency in the shop's. Without a shop currency, prices stay as they
    are. An event without a code is in the shop's currency.
    """

    def __init__(self, shop: str = "", rates: Mapping[str, float] | None = None) -> None:
        self._shop = shop
        self._rates = {shop: 1.0, **(rates or {})} if shop else {}

    def find_fault(self, event: Event) -> Fault | None:
        """Returns the fault of the event's currency, or None."""
        code = event.currency_code
        if not code:
            return None
        name = code.upper()
        if name not in currency_codes() or not code.isascii():
            return _unknown("isn't an ISO 4217 code; send three letters such as EUR, or leave it out")
        if not self._shop:
            return None
        rate = self._rates.get(name)
        if rate is None:
            return _unknown(
                f"is {name}, for which the shop has no rate; send prices in {self._shop}, or add the rate of {name} to "
                "VITRINE_EVENTS_CURRENCY_RATES and replay the event"
            )
        if event.unit_price * rate > MAX_UNIT_PRICE:
            return Fault(
                "OUT_OF_RANGE",
                "unit_price",
                f"unit_price is more than {MAX_UNIT_PRICE:g} {self._shop}; send the price of one unit, or leave it out",
            )
        return None

    def settle(self, event: Event) -> None:
        """Converts price and code in place to the shop's currency. The event must have no fault."""
        name = event.currency_code.upper()
        if not self._shop:
            if name:
                event.currency_code = name
            return
        if name and name != self._shop and event.HasField("unit_price"):
            event.unit_price *= self._rates[name]
        if name or event.HasField("unit_price"):
            event.currency_code = self._shop


def _unknown(description: str) -> Fault:
    return Fault("UNKNOWN_CURRENCY", "currency_code", f"currency_code {description}")
