import pytest

from services.common.signing import InvalidToken, Signer
from services.common.tracking import TRACKING_PURPOSE, open_tracking, seal_tracking
from vitrine.common.v1.tracking_pb2 import TrackingPayload

PAYLOAD = TrackingPayload(
    page_id="page/1;ü",
    shelf_id="picked",
    position=3,
    item_id="item 🧀",
    model_version="20261125-1",
    experiments=["layout=b"],
    serve_time_millis=1_700_000_000_000,
)


@pytest.fixture
def signer() -> Signer:
    return Signer(b"k" * 32)


def test_a_token_says_what_was_sealed(signer: Signer) -> None:
    assert open_tracking(signer, seal_tracking(signer, PAYLOAD)) == PAYLOAD


def test_a_token_goes_into_a_url_unchanged(signer: Signer) -> None:
    token = seal_tracking(signer, PAYLOAD)
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@pytest.mark.parametrize(
    "token", ["", "x", "not a token", "é", "A" * 200], ids=["empty", "short", "spaces", "é", "long"]
)
def test_text_that_was_never_sealed_is_refused(signer: Signer, token: str) -> None:
    with pytest.raises(InvalidToken):
        open_tracking(signer, token)


def test_another_key_refuses_the_token(signer: Signer) -> None:
    with pytest.raises(InvalidToken):
        open_tracking(Signer(b"other key" * 4), seal_tracking(signer, PAYLOAD))


def test_a_changed_character_is_noticed(signer: Signer) -> None:
    token = seal_tracking(signer, PAYLOAD)
    changed = ("A" if token[5] != "A" else "B").join((token[:5], token[6:]))
    with pytest.raises(InvalidToken):
        open_tracking(signer, changed)


def test_a_token_sealed_for_another_purpose_is_refused(signer: Signer) -> None:
    with pytest.raises(InvalidToken):
        open_tracking(signer, signer.seal(PAYLOAD.SerializeToString(), "cursor"))


def test_a_sealed_payload_of_another_kind_is_refused(signer: Signer) -> None:
    with pytest.raises(InvalidToken):
        open_tracking(signer, signer.seal(b"\xff\xff\xff", TRACKING_PURPOSE))
