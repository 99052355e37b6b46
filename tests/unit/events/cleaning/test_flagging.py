from collections import Counter
from typing import Any

import pytest

from services.events.cleaning.flagging import (
    BotRate,
    BotUserAgent,
    Burst,
    DistinctWindow,
    EventFlag,
    Flagger,
    FlagRule,
    flag_names,
)
from vitrine.events.v1.event_pb2 import Event, EventType

ANNA, BERT = b"anna".ljust(16), b"bert".ljust(16)
MINUTE = 60_000


def event(name: str = "VIEW", item_id: str = "item-1", **context: str) -> Event:
    return Event(type=EventType.Value(f"EVENT_TYPE_{name}"), item_id=item_id, context=context)


def held(rule: FlagRule, count: int, each: Any = None, visitor: bytes = ANNA, millis: int = 0) -> list[int]:
    """Which of `count` events of a visitor the rule holds for."""
    make = each or (lambda _: event())
    return [number for number in range(count) if rule.holds(make(number), visitor, b"%d" % number, millis)]


@pytest.mark.parametrize(
    "agent",
    [
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "curl/8.5.0",
        "python-requests/2.32",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/120.0 Safari/537.36",
        "SCRAPY/2.11",
    ],
)
def test_programs_are_told_by_their_user_agent(agent: str) -> None:
    assert BotUserAgent().holds(event(user_agent=agent), ANNA, b"", 0)


@pytest.mark.parametrize(
    "agent",
    [
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/17.4 Safari/605.1.15",
        "Mozilla/5.0 (Linux; Android 13; CUBOT NOTE 50) AppleWebKit/537.36 Chrome/124.0 Mobile Safari/537.36",
        "",
    ],
)
def test_browsers_are_not(agent: str) -> None:
    assert not BotUserAgent().holds(event(user_agent=agent), ANNA, b"", 0)
    assert not BotUserAgent().holds(event(), ANNA, b"", 0)


def test_more_than_a_hand_can_do_in_per_minute_is_a_robots() -> None:
    assert held(BotRate(5), 8) == [5, 6, 7]


def test_each_visitor_and_each_minute_counts_alone() -> None:
    rule = BotRate(5)
    assert held(rule, 5) == []
    assert held(rule, 5, visitor=BERT) == []
    assert held(rule, 5, millis=MINUTE) == []
    assert rule.holds(event(), ANNA, b"one more", MINUTE - 1)


def test_a_basket_and_a_page_are_no_robots() -> None:
    assert held(BotRate(5), 50, lambda _: event("PURCHASE")) == []
    assert held(BotRate(5), 50, lambda _: event("IMPRESSION")) == []


def test_a_batch_that_comes_again_does_not_count_again() -> None:
    rule = BotRate(5)
    assert held(rule, 5) == []
    assert held(rule, 5) == []
    assert held(rule, 6) == [5]
    assert held(rule, 6) == [5], "the same answer for the same event"


def test_the_same_to_the_same_item_over_and_over_is_a_burst() -> None:
    assert held(Burst(3), 6) == [3, 4, 5]


def test_other_items_and_types_are_no_burst() -> None:
    assert held(Burst(3), 20, lambda number: event(item_id=f"item-{number}")) == []
    assert held(Burst(3), 6, lambda number: event(["VIEW", "CLICK"][number % 2])) == []
    assert held(Burst(3), 9, lambda _: event("PURCHASE")) == []
    assert held(Burst(3), 9, lambda _: event("SEARCH", "")) == []


def test_what_is_remembered_is_bounded() -> None:
    window = DistinctWindow(1, 1_000, remembered=2)
    assert not window.is_beyond(b"a", 0, b"1")
    assert not window.is_beyond(b"b", 0, b"1")
    assert not window.is_beyond(b"c", 0, b"1")  # "a" is forgotten
    assert not window.is_beyond(b"a", 0, b"2")
    assert window.is_beyond(b"c", 0, b"2")


def test_all_signs_are_found_and_counted() -> None:
    counted: Counter[str] = Counter()
    flagger = Flagger([BotUserAgent(), BotRate(1), Burst(2)], lambda flag: counted.update([flag]))
    found = [flagger.flags(event(user_agent="curl/8"), ANNA, b"%d" % number, 0) for number in range(3)]
    assert [flag_names(bits) for bits in found] == [
        ("BOT_USER_AGENT",),
        ("BOT_USER_AGENT", "BOT_RATE"),
        ("BOT_USER_AGENT", "BOT_RATE", "BURST"),
    ]
    assert counted == {"BOT_USER_AGENT": 3, "BOT_RATE": 2, "BURST": 1}


def test_flags_keep_their_bits() -> None:
    """They are stored."""
    assert {flag.name: flag.value for flag in EventFlag} == {"BOT_USER_AGENT": 1, "BOT_RATE": 2, "BURST": 4}
    assert flag_names(0) == ()
    assert flag_names(8) == (), "one that only a newer program knows"
