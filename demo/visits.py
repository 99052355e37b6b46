import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import grpc

from cli.errors import CommandError
from vitrine.common.v1 import visitor_pb2
from vitrine.events.v1 import event_pb2, event_service_pb2
from vitrine.homepage.v1 import homepage_service_pb2, homepage_service_pb2_grpc, page_pb2

TIMEOUT_SECONDS = 10.0
CHANGE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class ServedPage:
    """A page and how long it took, in milliseconds."""

    page: page_pb2.Page
    milliseconds: float


@dataclass(frozen=True, slots=True)
class ShopperAction:
    """Something that a visitor does with an item, perhaps from a card."""

    type: event_pb2.EventType.ValueType
    item_id: str
    tracking_token: str = ""


class Gateway:
    """The homepage gateway as a shop's frontend uses it."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = homepage_service_pb2_grpc.HomepageServiceStub(channel)

    async def page(self, visitor: visitor_pb2.Visitor) -> ServedPage:
        """The visitor's page."""
        begin = time.perf_counter()
        request = homepage_service_pb2.GetHomepageRequest(visitor=visitor)
        response = await self._stub.GetHomepage(request, timeout=TIMEOUT_SECONDS)
        return ServedPage(response.page, (time.perf_counter() - begin) * 1000)

    async def tell(self, visitor: visitor_pb2.Visitor, happened: Sequence[ShopperAction]) -> None:
        """Tells what a visitor did; returns when it is acknowledged.

        Raises:
            CommandError: an event was rejected.
        """
        events = [
            event_pb2.Event(
                event_id=str(uuid.uuid4()),
                visitor=visitor,
                type=action.type,
                item_id=action.item_id,
                tracking_token=action.tracking_token,
            )
            for action in happened
        ]
        response = await self._stub.IngestEvents(
            homepage_service_pb2.IngestEventsRequest(events=events), timeout=TIMEOUT_SECONDS
        )
        for result in response.results:
            if result.status == event_service_pb2.EVENT_STATUS_REJECTED:
                raise CommandError(f"an event of the demo was rejected: {result.field}: {result.description}")

    async def page_when(
        self, visitor: visitor_pb2.Visitor, changed: Callable[[page_pb2.Page], bool]
    ) -> tuple[ServedPage, float]:
        """Asks for the page until it has changed.

        Returns:
            The first changed page, and the milliseconds from now until it was there.

        Raises:
            CommandError: it does not change.
        """
        begin = time.perf_counter()
        while time.perf_counter() - begin < CHANGE_SECONDS:
            served = await self.page(visitor)
            if changed(served.page):
                return served, (time.perf_counter() - begin) * 1000
        raise CommandError(
            f"the page did not change in {CHANGE_SECONDS:.0f} s after an event was acknowledged: see `vitrine status`"
        )


def cards_of(page: page_pb2.Page) -> list[page_pb2.Card]:
    """Every card of a page, from top to bottom."""
    return [card for shelf in page.shelves for card in shelf.cards]


def knows_of(page: page_pb2.Page, item_id: str) -> bool:
    """Whether a card or a shelf of the page stands there because of that item."""
    reasons = [reason for card in cards_of(page) for reason in card.reasons]
    reasons += [shelf.reason for shelf in page.shelves]
    return any(reason.evidence_item_id == item_id for reason in reasons)
