import io
from typing import Any

import pytest

from cli.rendering.console import shop_console
from cli.rendering.page import render_page
from vitrine.common.v1 import category_pb2
from vitrine.homepage.v1 import page_pb2, reason_pb2


def printed(page: page_pb2.Page, **options: Any) -> str:
    console = shop_console(file=io.StringIO(), width=80)
    console.print(render_page(page, heading="user 7", milliseconds=12.3, **options))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def card(title: str, price: float | None, currency: str = "") -> page_pb2.Card:
    item = page_pb2.CardItem(
        item_id=title,
        title=title,
        price=price,
        currency_code=currency,
        category_path=category_pb2.CategoryPath(names=["GROCERY", "CHEESE"]),
    )
    return page_pb2.Card(item=item, reasons=[reason_pb2.Reason(text="because you bought milk")])


def test_every_line_fits_eighty_columns_and_cards_say_what_they_are() -> None:
    shelf = page_pb2.Shelf(
        kind=page_pb2.SHELF_KIND_PICKED_FOR_YOU,
        title="Picked for you",
        cards=[card("Cheese 🧀 " + "very " * 30, 1.5), card("Post", None)],
    )
    page = page_pb2.Page(page_id="p" * 26, degradation_step=page_pb2.DEGRADATION_STEP_FULL, shelves=[shelf])
    text = printed(page)
    assert max(map(len, text.splitlines())) <= 80
    for part in ("user 7", "12 ms", "step: full", "Picked for you", "Cheese", "CHEESE", "1.50", "because you bought"):
        assert part in text


def test_an_empty_shop_and_a_page_without_shelves_say_so() -> None:
    assert "vitrine import" in printed(page_pb2.Page(shop_empty=True))
    page = page_pb2.Page(degradation_step=page_pb2.DEGRADATION_STEP_EMPTY, degradation_reasons=["FEATURES_UNAVAILABLE"])
    text = printed(page)
    assert "step: empty" in text
    assert "FEATURES_UNAVAILABLE" in text


def test_names_with_brackets_are_printed_as_they_are() -> None:
    shelf = page_pb2.Shelf(title="[red]Sale[/red]", cards=[card("Jam [bold]", 2.0)])
    text = printed(page_pb2.Page(shelves=[shelf]))
    assert "[red]Sale[/red]" in text
    assert "Jam [bold]" in text


@pytest.mark.parametrize(
    ("locale", "currency", "price", "text"),
    [
        ("en", "USD", 1234.5, "$1,234.50"),
        ("de-AT", "EUR", 1234.5, "€ 1.234,50"),
        ("de", "EUR", 1.5, "1,50 €"),
        ("ja", "JPY", 1234, "¥1,234"),
        ("", "XCG", 2.0, "Cg.2.00"),
        ("no locale", "", 1234.5, "1,234.50"),
    ],
)
def test_prices_are_written_as_the_locale_writes_them(locale: str, currency: str, price: float, text: str) -> None:
    shelf = page_pb2.Shelf(cards=[card("Cheese", price, currency)])
    lines = printed(page_pb2.Page(shelves=[shelf]), locale=locale).replace("\xa0", " ").replace("￥", "¥")
    assert text in lines


def test_a_shelf_repeats_no_reason_that_the_head_of_the_page_gives() -> None:
    shelves = [
        page_pb2.Shelf(title="A", status=page_pb2.ShelfStatus(state=page_pb2.SHELF_STATE_DEGRADED, reason=reason))
        for reason in ("MODEL_LATE", "SOURCE_LATE")
    ]
    text = printed(page_pb2.Page(shelves=shelves, degradation_reasons=["MODEL_LATE"]))
    assert text.count("MODEL_LATE") == 1
    assert text.count("SOURCE_LATE") == 1
