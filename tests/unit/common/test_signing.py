import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.signing import InvalidToken, Signer

SIGNER = Signer(b"k" * 32)


@given(st.binary(max_size=300), st.text(min_size=1, max_size=20))
def test_what_is_sealed_can_be_opened(payload: bytes, purpose: str) -> None:
    assert SIGNER.open(SIGNER.seal(payload, purpose), purpose) == payload


@given(st.binary(max_size=100))
def test_tokens_pass_through_urls_unchanged(payload: bytes) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]+", SIGNER.seal(payload, "cursor"))


@given(st.binary(max_size=40), st.data())
def test_no_bit_can_be_changed(payload: bytes, data: st.DataObject) -> None:
    token = SIGNER.seal(payload, "cursor")
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from("ABCxyz059_-"))
    forged = token[:place] + other + token[place + 1 :]
    if forged == token:
        return
    with pytest.raises(InvalidToken):
        SIGNER.open(forged, "cursor")


@given(st.text(max_size=60))
def test_anything_else_is_refused(token: str) -> None:
    with pytest.raises(InvalidToken):
        SIGNER.open(token, "cursor")


@pytest.mark.parametrize("change", ["{}=", "{}\n", " {}", "{}A", "{}.", "{}é"])
def test_nothing_can_be_added(change: str) -> None:
    with pytest.raises(InvalidToken):
        SIGNER.open(change.format(SIGNER.seal(b"payload", "cursor")), "cursor")


def test_a_token_for_one_purpose_is_none_for_another() -> None:
    with pytest.raises(InvalidToken):
        SIGNER.open(SIGNER.seal(b"payload", "cursor"), "tracking")


def test_a_token_of_another_key_is_refused() -> None:
    with pytest.raises(InvalidToken):
        Signer(b"x" * 32).open(SIGNER.seal(b"payload", "cursor"), "cursor")


def test_services_with_one_key_open_each_others_tokens() -> None:
    assert Signer(b"k" * 32).open(SIGNER.seal(b"payload", "cursor"), "cursor") == b"payload"


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 16"):
        Signer(b"short")
