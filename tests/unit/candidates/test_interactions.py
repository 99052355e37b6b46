import random

import numpy as np
import pytest

from services.candidates.job_settings import JobSettings, NeighborSettings
from services.candidates.jobs.interactions import Interactions
from services.candidates.jobs.nearest import nearest_items
from services.candidates.jobs.ratings import implicit_ratings
from services.candidates.jobs.rows import Rows
from vitrine.common.v1.visitor_pb2 import Visitor
from vitrine.events.v1 import event_pb2
from vitrine.events.v1.event_service_pb2 import LoggedEvent

ITEMS = {"a": 1, "b": 2, "c/ü": 3}
DAY = 86_400
TIME = 1_700_000_000
VIEW = event_pb2.EVENT_TYPE_VIEW
BUY = event_pb2.EVENT_TYPE_PURCHASE


def logged(
    user: str, item_id: str, event_type: event_pb2.EventType.ValueType = VIEW, days_ago: float = 0
) -> LoggedEvent:
    event = LoggedEvent()
    event.event.visitor.CopyFrom(Visitor(user_id=user))
    event.event.item_id = item_id
    event.event.type = event_type
    event.event.event_time.seconds = int(TIME - days_ago * DAY)
    return event


def neighbors(events: list[LoggedEvent]) -> Rows:
    interactions = Interactions(ITEMS)
    for event in events:
        interactions.add(event)
    made = implicit_ratings(interactions.events(), 90, items_per_user=100, minimum_users=2)
    return nearest_items(made.matrix, NeighborSettings(), 1_000_000)


def ratings(events: list[LoggedEvent], **settings: float) -> dict[tuple[int, int], float]:
    interactions = Interactions(ITEMS)
    for event in events:
        interactions.add(event)
    made = implicit_ratings(
        interactions.events(),
        settings.get("half_life_days", 10),
        items_per_user=int(settings.get("items_per_user", 100)),
        minimum_users=int(settings.get("minimum_users", 1)),
    )
    matrix = made.matrix.tocoo()
    return {
        (int(row), int(made.item_nos[column])): float(value)
        for row, column, value in zip(matrix.row, matrix.col, matrix.data, strict=True)
    }


def test_strengths_fade_with_age_and_add_up() -> None:
    found = ratings([logged("u", "a"), logged("u", "a", BUY, days_ago=10), logged("u", "b", days_ago=20)])
    assert found == pytest.approx({(0, 1): np.log1p(1 + 2.5), (0, 2): np.log1p(0.25)})


def test_what_was_taken_back_counts_nothing() -> None:
    back = logged("u", "a", event_pb2.EVENT_TYPE_REFUND)
    assert ratings([logged("u", "a", BUY), back, logged("u", "b")]) == pytest.approx({(0, 2): np.log(2)})


def test_disliked_robots_erased_unknown_and_silent_events_count_nothing() -> None:
    robot, erased = logged("u", "a"), LoggedEvent(erased=True)
    robot.flags.append("BOT_USER_AGENT")
    impression = logged("u", "a", event_pb2.EVENT_TYPE_IMPRESSION)
    disliked = [logged("u", "b", BUY), logged("u", "b", event_pb2.EVENT_TYPE_DISLIKE)]
    events = [robot, erased, impression, *disliked, logged("u", "nobody knows it"), logged("u", "c/ü")]
    assert ratings(events) == pytest.approx({(0, 3): np.log(2)})


def test_a_user_and_an_anonymous_visitor_of_one_id_are_two() -> None:
    anonymous = logged("", "a")
    anonymous.event.visitor.anonymous_id = "u"
    assert len(ratings([logged("u", "a"), anonymous])) == 2


def test_an_enormous_history_is_cut_to_the_strongest() -> None:
    events = [logged("u", "a"), logged("u", "b", BUY), logged("u", "c/ü")]
    assert set(ratings(events, items_per_user=2)) == {(0, 1), (0, 2)}


def test_items_of_too_few_users_are_left_out() -> None:
    events = [logged("u", "a"), logged("v", "a"), logged("v", "b")]
    assert {item_no for _, item_no in ratings(events, minimum_users=2)} == {1}


def test_the_order_of_the_log_does_not_matter() -> None:
    events = [
        logged(f"u{number % 7}", item_id, BUY if number % 3 else VIEW, days_ago=number % 11)
        for number in range(200)
        for item_id in ITEMS
        if number % 5
    ]
    columns = []
    for seed in range(3):
        shuffled = events.copy()
        random.Random(seed).shuffle(shuffled)
        rows = neighbors(shuffled)
        columns.append((rows.columns.tolist(), rows.scores))
    for neighbors_of, similarities in columns[1:]:
        assert neighbors_of == columns[0][0]
        assert similarities == pytest.approx(columns[0][1], abs=1e-6)


@pytest.mark.parametrize("events", [[], [logged("u", "a")], [logged("u", "a"), logged("u", "b")]])
def test_one_user_or_one_item_has_no_neighbors(events: list[LoggedEvent]) -> None:
    assert len(neighbors(events)) == 0


def test_strengths_can_be_configured_by_the_actions_name() -> None:
    strengths = JobSettings(strengths={"VIEW": 0.0, "PURCHASE": 3.0}).by_type()
    interactions = Interactions(ITEMS, strengths)
    interactions.add(logged("u", "a"))
    interactions.add(logged("u", "b", BUY))
    assert interactions.events().strengths.tolist() == [3.0]
    with pytest.raises(ValueError, match="there is no action BUY; there are VIEW"):
        JobSettings(strengths={"BUY": 3.0})


def test_lines_of_one_order_share_its_number() -> None:
    interactions = Interactions(ITEMS)
    for user, item_id in (("u", "a"), ("u", "b"), ("v", "a")):
        line = logged(user, item_id, BUY)
        line.event.order_id = "order 7"
        interactions.add(line)
    interactions.add(logged("u", "c/ü", BUY))
    interactions.add(logged("u", "c/ü"))
    events = interactions.events()
    first, second, other, *without = events.orders.tolist()
    assert first == second == other > 0  # baskets are told apart by user first
    assert without == [0, 0]
    assert events.bought.tolist() == [True, True, True, True, False]
