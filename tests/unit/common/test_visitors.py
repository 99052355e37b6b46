from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.errors import InvalidArgumentError
from services.common.visitors import partition_of, pseudonym, visitor_from_key, visitor_key
from vitrine.common.v1.visitor_pb2 import Visitor


@pytest.mark.parametrize(
    ("visitor", "key"),
    [
        (Visitor(user_id="7"), "u:7"),
        (Visitor(anonymous_id="7"), "a:7"),
        (Visitor(user_id="7", anonymous_id="browser"), "u:7"),
        (Visitor(user_id="a:7"), "u:a:7"),
        (Visitor(anonymous_id="🛍/;,|"), "a:🛍/;,|"),
    ],
)
def test_a_user_is_who_the_visitor_is_else_the_browser(visitor: Visitor, key: str) -> None:
    assert visitor_key(visitor) == key


@pytest.mark.parametrize("key", ["u:7", "a:7", "u:a:7", "a:u:", "u:é"])
def test_a_key_tells_its_visitor(key: str) -> None:
    assert visitor_key(visitor_from_key(key)) == key


def test_what_is_no_key_has_no_visitor() -> None:
    with pytest.raises(ValueError, match="u: or a:"):
        visitor_from_key("7")


def test_nobody_is_refused_with_the_field() -> None:
    with pytest.raises(InvalidArgumentError, match=r"request\.visitor has no id; set user_id") as caught:
        visitor_key(Visitor(), "request.visitor")
    assert caught.value.reason == "VISITOR_REQUIRED"


def test_both_ids_are_checked() -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        visitor_key(Visitor(user_id="x" * 257, anonymous_id="a\nb"))
    assert [v.field for v in caught.value.violations] == ["visitor.user_id", "visitor.anonymous_id"]
    assert "x" * 100 not in str(caught.value)


def test_partitions_never_move() -> None:
    # Stored offsets depend on these: a change here loses every consumer's place.
    assert [partition_of(key, 16) for key in ("u:1", "a:1", "u:é", "u:e\u0301", "u:A", "u:a")] == [12, 0, 3, 7, 6, 15]


def test_partitions_are_even() -> None:
    counts = Counter(partition_of(f"u:{n}", 8) for n in range(8000))
    assert set(counts) == set(range(8))
    assert all(850 < count < 1150 for count in counts.values())


@given(st.text(), st.integers(1, 1000))
def test_every_key_has_a_partition(key: str, partitions: int) -> None:
    assert 0 <= partition_of(key, partitions) < partitions


def test_a_pseudonym_hides_the_id_and_depends_on_the_secret() -> None:
    assert pseudonym("u:7", b"one") == pseudonym("u:7", b"one")
    assert len({pseudonym("u:7", b"one"), pseudonym("u:7", b"other"), pseudonym("u:8", b"one"), pseudonym("u:7")}) == 4
    assert len(pseudonym("u:" + "x" * 256)) == 16
    assert pseudonym("\ud800")  # what cannot be an id can still be logged
