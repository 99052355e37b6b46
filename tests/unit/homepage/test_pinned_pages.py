import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.errors import InvalidArgumentError
from services.common.signing import Signer
from services.homepage.experiments import Assignment
from services.homepage.pages.planned_page import PageHeader, PlannedPage, PlannedShelf
from services.homepage.pinned_pages import CURSOR, PAGE_TOKEN, PinnedPages
from services.homepage.reasons.columns import empty_reasons
from vitrine.homepage.v1 import page_pb2, reason_pb2

PINNED = PinnedPages(Signer(b"k" * 32))


def page(item_nos: list[int]) -> PlannedPage:
    reasons = empty_reasons(len(item_nos), ["item_cf", "popular"])
    reasons.put_first(
        np.arange(len(item_nos)), reason_pb2.REASON_KIND_YOU_BOUGHT, np.arange(1, len(item_nos) + 1), 3, "item_cf"
    )
    header = PageHeader(
        page_id="page",
        serve_millis=1,
        language="de",
        visitor_age=25,
        step=page_pb2.DEGRADATION_STEP_LINEAR,
        degradation_reasons=("MODEL_LATE",),
        experiments=(Assignment("e", "b"),),
        versions=page_pb2.PageVersions(model_version="m"),
    )
    shelf = PlannedShelf(
        shelf_id="popular",
        kind=page_pb2.SHELF_KIND_POPULAR,
        item_nos=item_nos,
        reasons=reasons,
        reason=reason_pb2.Reason(kind=reason_pb2.REASON_KIND_POPULAR),
        evidence_item_no=7,
        position=12,
        card_limit=6,
    )
    return PlannedPage(header, [shelf])


@given(st.lists(st.integers(1, 2**32 - 1), unique=True, max_size=400))
def test_what_is_sealed_comes_back(item_nos: list[int]) -> None:
    opened, maximum = PINNED.open(PINNED.seal(page(item_nos), CURSOR, 5), CURSOR, "cursor", 99)
    assert maximum == 5
    assert (opened.header.serve_millis, opened.header.visitor_age, opened.header.language) == (99, 25, "de")
    assert opened.header.experiments == (Assignment("e", "b"),)
    assert opened.header.degradation_reasons == ("MODEL_LATE",)
    [shelf] = opened.shelves
    assert list(shelf.item_nos) == item_nos
    assert (shelf.position, shelf.card_limit, shelf.evidence_item_no) == (12, 6, 7)
    assert [fact[0] for fact in shelf.reasons.facts(range(len(item_nos)))] == [
        (reason_pb2.REASON_KIND_YOU_BOUGHT, place, 3, "item_cf") for place in range(1, len(item_nos) + 1)
    ]


def test_a_feed_of_three_hundred_items_takes_little() -> None:
    item_nos = np.random.default_rng(1).permutation(100_000)[:300].tolist()
    assert len(PINNED.seal(page(item_nos), CURSOR)) < 3000


@given(st.text(max_size=80))
def test_text_that_was_not_sealed_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        PINNED.open(text, CURSOR, "cursor", 1)
    assert caught.value.reason == "MALFORMED_CURSOR"


@given(st.binary(max_size=80))
def test_whatever_an_older_version_signed_is_refused_not_misread(payload: bytes) -> None:
    with pytest.raises(InvalidArgumentError):
        PINNED.open(Signer(b"k" * 32).seal(payload, CURSOR), CURSOR, "cursor", 1)


def test_a_cursor_is_no_page_token() -> None:
    with pytest.raises(InvalidArgumentError):
        PINNED.open(PINNED.seal(page([1]), CURSOR), PAGE_TOKEN, "page_token", 1)
