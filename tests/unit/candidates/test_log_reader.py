from services.candidates.jobs.interactions import Interactions
from services.candidates.jobs.read_log import ReadLog
from services.candidates.jobs.reading import LogReader
from vitrine.events.v1.event_pb2 import EVENT_TYPE_VIEW, Event
from vitrine.events.v1.event_service_pb2 import LoggedEvent, PartitionOffset, TailEventsResponse


def answer(partition: int, begin: int, end: int) -> TailEventsResponse:
    events = []
    for offset in range(begin, end):
        logged = LoggedEvent(partition=partition, offset=offset, event=Event(type=EVENT_TYPE_VIEW, item_id="a"))
        logged.event.visitor.user_id = "u"
        events.append(logged)
    return TailEventsResponse(events=events, next_offsets=[PartitionOffset(partition=partition, offset=end)])


class Pauses:
    def __init__(self) -> None:
        self.count = 0

    async def __call__(self) -> None:
        self.count += 1


async def test_of_a_log_read_from_its_beginning_what_was_had_is_passed_over() -> None:
    log = ReadLog(Interactions({"a": 1}), offsets={0: 3})
    reader = LogReader(log, Pauses(), 1_000)
    await reader.take(answer(0, 0, 2))
    assert (len(log.interactions), log.offsets) == (0, {0: 3})
    await reader.take(answer(0, 2, 5))
    await reader.take(answer(1, 0, 4))
    assert (len(log.interactions), log.offsets) == (2 + 4, {0: 5, 1: 4})


async def test_it_pauses_after_each_so_many_events() -> None:
    pauses = Pauses()
    reader = LogReader(ReadLog(Interactions({"a": 1})), pauses, 3)
    for begin in range(0, 8, 2):
        await reader.take(answer(0, begin, begin + 2))
    assert pauses.count == 2
