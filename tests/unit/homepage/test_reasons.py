import numpy as np
import pytest

from services.homepage.locales.texts import LANGUAGES, language_of, reason_text, title_of
from services.homepage.pipeline.candidates import Candidates
from services.homepage.reasons.columns import empty_reasons
from services.homepage.reasons.explain import explain
from tests.unit.homepage.columns import candidates, query
from vitrine.common.v1.category_pb2 import CategoryPath
from vitrine.features.v1.user_features_pb2 import Affinities, ItemCounters, UserFeatures
from vitrine.homepage.v1 import page_pb2, reason_pb2


def user() -> UserFeatures:
    """Bought 50 thrice and 51 once, has 52 in the cart, likes 53, viewed 54."""
    return UserFeatures(
        known=True,
        counters=ItemCounters(
            item_nos=[50, 51, 52, 53, 54],
            view_counts=[0, 0, 0, 0, 1],
            favorite_counts=[0, 0, 0, 1, 0],
            cart_counts=[0, 0, 1, 0, 0],
            purchase_counts=[3, 1, 0, 0, 0],
        ),
        category_affinities=Affinities(nos=[11], weights=[5]),
        brand_affinities=Affinities(nos=[9], weights=[5]),
    )


def kinds(found: Candidates, known: bool = True) -> list[list[str]]:
    asked = query(user=user()) if known else query()
    reasons = explain(asked, found)
    return [
        [reason_pb2.ReasonKind.Name(fact.kind).removeprefix("REASON_KIND_") for fact in facts]
        for facts in reasons.facts(range(len(found)))
    ]


def test_the_strongest_reason_comes_first() -> None:
    found = candidates(
        [1, 2, 3, 4, 5, 6, 7, 50, 51],
        sources={
            "popular": [1, 2, 3, 4, 5, 6, 7],
            "item_cf": [1, 2, 3, 4],
            "embedding": [5],
            "recently_viewed": [6],
            "buy_again": [51],
        },
        evidence={"item_cf": [50, 52, 53, 54]},
        brand_nos=[1, 1, 1, 1, 1, 1, 9, 1, 1],
        category_nos=[100, 100, 100, 100, 100, 100, 110, 100, 100],
    )
    assert kinds(found) == [
        ["YOU_BOUGHT", "POPULAR"],
        ["YOU_CARTED", "POPULAR"],
        ["YOU_FAVORITED", "POPULAR"],
        ["YOU_VIEWED", "POPULAR"],
        ["YOUR_TASTE", "POPULAR"],
        ["YOU_VIEWED_THIS", "POPULAR"],
        ["YOUR_CATEGORY", "YOUR_BRAND"],
        ["YOU_BUY_REGULARLY"],
        ["YOU_BUY_REGULARLY"],
    ]


def test_evidence_names_the_item_and_its_source() -> None:
    found = candidates([1, 50], sources={"item_cf": [1, 50]}, evidence={"item_cf": [52, 50]})
    [first, second] = explain(query(user=user()), found).facts([0, 1])
    assert (first[0].evidence_item_no, first[0].source) == (52, "item_cf")
    assert (second[0].kind, second[0].times) == (reason_pb2.REASON_KIND_YOU_BUY_REGULARLY, 3)


def test_two_sources_that_lead_back_to_one_item_are_one_reason() -> None:
    found = candidates(
        [1, 2],
        sources={"popular": [1, 2], "content": [1, 2], "item_cf": [1, 2]},
        evidence={"content": [52, 53], "item_cf": [52, 54]},
    )
    assert kinds(found) == [["YOU_CARTED", "POPULAR"], ["YOU_VIEWED", "YOU_FAVORITED"]]


def test_there_is_always_a_reason_and_none_is_personal_without_consent() -> None:
    found = candidates([1, 50], sources={"item_cf": [1], "on_sale": [50]}, evidence={"item_cf": [50]})
    assert kinds(candidates([1, 2], sources={"on_sale": [2]}), known=False) == [["POPULAR"], ["ON_SALE"]]
    assert kinds(candidates([1]), known=True) == [["YOUR_TASTE"]]
    without = user()
    without.consent = 2  # type: ignore[assignment]  # CONSENT_ESSENTIAL
    facts = list(explain(query(user=without), found).facts([0, 1]))
    assert [fact[0].kind for fact in facts] == [reason_pb2.REASON_KIND_POPULAR, reason_pb2.REASON_KIND_ON_SALE]


def test_a_shelfs_own_reason_leads_once() -> None:
    reasons = empty_reasons(2, ["on_sale"])
    reasons.put_first(np.array([0]), reason_pb2.REASON_KIND_ON_SALE, 0, 0, "on_sale")
    reasons.put_first(np.array([1]), reason_pb2.REASON_KIND_YOUR_TASTE, 0, 0, "")
    led = reasons.led_by(reason_pb2.REASON_KIND_ON_SALE, 0, "on_sale")
    assert [[fact.kind for fact in facts] for facts in led.facts([0, 1])] == [
        [reason_pb2.REASON_KIND_ON_SALE],
        [reason_pb2.REASON_KIND_ON_SALE, reason_pb2.REASON_KIND_YOUR_TASTE],
    ]
    assert reasons.strongest["kind"].tolist() == [reason_pb2.REASON_KIND_ON_SALE, reason_pb2.REASON_KIND_YOUR_TASTE]


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_every_language_has_every_text(language: str) -> None:
    path = CategoryPath(names=["A", "B {item}"])
    for name, number in reason_pb2.ReasonKind.items():
        if number:
            full = reason_pb2.Reason(kind=number, evidence_title="a {count} b", category_path=path, brand="Br", count=3)
            assert reason_text(language, full), name
            assert reason_text(language, reason_pb2.Reason(kind=number)), name
    for name, kind in page_pb2.ShelfKind.items():
        if kind not in (page_pb2.SHELF_KIND_UNSPECIFIED, page_pb2.SHELF_KIND_BANNER):
            shelf = page_pb2.Shelf(kind=kind, reason=reason_pb2.Reason(kind=reason_pb2.REASON_KIND_YOU_VIEWED))
            assert title_of(language, shelf), name
            shelf.reason.category_path.CopyFrom(path)
            assert title_of(language, shelf), name


def test_names_from_the_shop_are_taken_as_they_are() -> None:
    reason = reason_pb2.Reason(kind=reason_pb2.REASON_KIND_YOU_BOUGHT, evidence_title="{count} {0} %s")
    assert reason_text("en", reason) == "Because you bought {count} {0} %s"
    assert reason_text("en", reason_pb2.Reason(kind=reason_pb2.REASON_KIND_YOU_BUY_REGULARLY, count=1)) == (
        "You've bought this before"
    )


@pytest.mark.parametrize(
    ("locale", "language"), [("", "en"), ("de", "de"), ("de-AT", "de"), ("DE_ch", "de"), ("fr", "en"), ("-", "en")]
)
def test_a_locale_is_taken_by_its_language(locale: str, language: str) -> None:
    assert language_of(locale, "en") == language


@pytest.mark.parametrize(("language", "title"), [("en", "Top picks"), ("de", "Top-Empfehlungen")])
def test_title_of_unknown_category_has_no_dangling_preposition(language: str, title: str) -> None:
    assert title_of(language, page_pb2.Shelf(kind=page_pb2.SHELF_KIND_CATEGORY)) == title


def test_shopper_texts_follow_glossary() -> None:
    titles = {
        page_pb2.SHELF_KIND_TRENDING: "Trending now",
        page_pb2.SHELF_KIND_ON_SALE: "On sale",
        page_pb2.SHELF_KIND_RECENTLY_VIEWED: "Recently viewed",
        page_pb2.SHELF_KIND_POPULAR: "Popular right now",
        page_pb2.SHELF_KIND_NEW_ARRIVALS: "New arrivals",
        page_pb2.SHELF_KIND_FOLLOWED: "From creators and brands you follow",
    }
    assert {kind: title_of("en", page_pb2.Shelf(kind=kind)) for kind in titles} == titles
    assert title_of("en", page_pb2.Shelf(kind=page_pb2.SHELF_KIND_BECAUSE_YOU)) == "Goes well with your picks"
    reasons = {
        reason_pb2.REASON_KIND_YOUR_TASTE: "Matches your taste",
        reason_pb2.REASON_KIND_YOU_VIEWED_THIS: "You viewed this",
    }
    assert {kind: reason_text("en", reason_pb2.Reason(kind=kind)) for kind in reasons} == reasons
