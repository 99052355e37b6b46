import pytest

from services.ranker.inputs.exposures import NOT_SHOWN, SHOWN_SOMEWHERE, exposure_at
from services.ranker.training.shop.event_table import EventTableBuilder
from vitrine.common.v1.visitor_pb2 import Visitor
from vitrine.events.v1.event_pb2 import EVENT_TYPE_CLICK, EVENT_TYPE_IMPRESSION, Attribution, Event, EventType
from vitrine.events.v1.event_service_pb2 import LoggedEvent


@pytest.mark.parametrize(
    ("kind", "attribution", "exposure"),
    [
        (EVENT_TYPE_IMPRESSION, Attribution(position=0), exposure_at(0)),
        (EVENT_TYPE_IMPRESSION, Attribution(position=7), exposure_at(7)),
        (EVENT_TYPE_IMPRESSION, None, SHOWN_SOMEWHERE),
        # Its card was seen, but those beside it that were not clicked say nothing of the kind: it must not stand out.
        (EVENT_TYPE_CLICK, Attribution(position=7), NOT_SHOWN),
    ],
)
def test_the_place_of_a_card_comes_from_its_impression(
    kind: EventType.ValueType, attribution: Attribution | None, exposure: int
) -> None:
    logged = LoggedEvent(event=Event(type=kind, item_id="i", visitor=Visitor(user_id="u")), attribution=attribution)
    builder = EventTableBuilder({"i": 4})
    builder.add(logged)
    table = builder.build()
    assert table.exposures.tolist() == [exposure]
    assert table.item_nos.tolist() == [4]
