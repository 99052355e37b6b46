import pytest

from cli.errors import CommandError, ExitCode
from cli.importer.attribute_types import AttributeType, parse_attributes
from cli.importer.column_names import normal
from cli.importer.columns import map_columns
from cli.importer.event_fields import EVENTS
from cli.importer.fields import Kind
from cli.importer.item_fields import ITEMS
from cli.importer.maps import said_columns
from cli.importer.missing import ABSENT, LEAVE_OUT, Policy, Remedy, policies_of
from cli.importer.user_fields import USERS
from vitrine.events.v1.event_pb2 import EventType

KINDS = (ITEMS, USERS, EVENTS)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_no_name_stands_for_two_fields(kind: Kind) -> None:
    names = [normal(name) for field in kind.fields for name in {field.name, *field.synonyms}]
    assert len(names) == len(set(names))


def test_every_type_of_event_has_words_and_no_word_two_types() -> None:
    words = dict(EVENTS.field("type").choices)
    assert set(words.values()) == set(EventType.values()) - {EventType.EVENT_TYPE_UNSPECIFIED}
    assert len({normal(word) for word in words}) == len(EVENTS.field("type").choices)
    for name, number in EventType.items():
        if number:
            assert words[name.removeprefix("EVENT_TYPE_").lower()] == number


def test_columns_are_found_whatever_their_case_and_marks() -> None:
    found = map_columns(EVENTS, ["Customer ID", "EVENT-TYPE", "productId", "Event Time", "Qty"], {}, {})
    assert found.fields == {
        "user_id": ("Customer ID",),
        "type": ("EVENT-TYPE",),
        "item_id": ("productId",),
        "event_time": ("Event Time",),
        "quantity": ("Qty",),
    }
    assert found.unmapped == ()


def test_the_own_name_goes_before_synonyms_and_the_rest_is_not_taken() -> None:
    found = map_columns(ITEMS, ["id", "sku", "item_id", "title", "color"], {}, {})
    assert found.fields == {"item_id": ("item_id",), "title": ("title",)}
    assert found.unmapped == ("id", "sku", "color")


def test_a_column_that_was_said_goes_before_all() -> None:
    found = map_columns(ITEMS, ["item_id", "sku", "price"], {"item_id": ("sku",), "list_price": ("price",)}, {})
    assert found.fields == {"item_id": ("sku",), "list_price": ("price",)}
    assert found.unmapped == ("item_id",)


@pytest.mark.parametrize(
    ("columns", "taken"),
    [
        (["category"], ["category"]),
        (["category_path", "department"], ["category_path"]),
        (["category_2", "Category 1", "category_10"], ["Category 1", "category_2", "category_10"]),
        (["type", "category", "department"], ["department", "category", "type"]),
        (["sub category", "product_category"], ["product_category", "sub category"]),
        (["product_type"], ["product_type"]),
    ],
)
def test_columns_of_the_category(columns: list[str], taken: list[str]) -> None:
    assert map_columns(ITEMS, columns, {}, {}).fields["category"] == tuple(taken)


def test_attributes_are_known_by_prefix_and_by_option() -> None:
    columns = ["item_id", "attribute.color", "attr_size", "Attributes.width_cm", "material", "other"]
    found = map_columns(ITEMS, columns, {}, parse_attributes(["material, attr_size:number"]))
    assert found.attributes == {
        "material": "material",
        "size": "attr_size",
        "color": "attribute.color",
        "width_cm": "Attributes.width_cm",
    }
    assert found.attribute_types == {"material": AttributeType.TEXT, "size": AttributeType.NUMBER}
    assert found.unmapped == ("other",)


def test_of_users_only_what_is_known_or_named_is_taken() -> None:
    found = map_columns(USERS, ["id", "Age", "e-mail", "attr.tier"], {"attributes.city": ("e-mail",)}, {})
    assert found.attributes == {"city": "e-mail", "age_band": "Age", "tier": "attr.tier"}
    assert map_columns(USERS, ["id", "e-mail"], {}, {}).unmapped == ("e-mail",)


def test_context_of_events() -> None:
    found = map_columns(EVENTS, ["device", "context.page", "other"], {}, {})
    assert found.attributes == {"device": "device", "page": "context.page"}


def test_an_attribute_of_an_unknown_type_is_refused() -> None:
    with pytest.raises(CommandError, match="no type 'int'; there are text, number, flag, texts"):
        parse_attributes(["size:int"])


def said(maps: dict[str, str], *files: tuple[Kind, list[str]]) -> list[dict[str, tuple[str, ...]]]:
    return said_columns(maps, files)


def test_maps_go_to_the_files_that_have_the_column() -> None:
    files = ((ITEMS, ["Artikel", "Preis"]), (EVENTS, ["Artikelnummer"]))
    assert said({"item_id": "artikel"}, *files) == [{"item_id": ("Artikel",)}, {}]
    assert said({"events.item_id": "Artikelnummer"}, *files) == [{}, {"item_id": ("Artikelnummer",)}]
    assert said({"unit_price": "Artikelnummer", "price": "Preis"}, *files) == [
        {"price": ("Preis",)},
        {"unit_price": ("Artikelnummer",)},
    ]


def test_a_category_is_mapped_to_several_columns() -> None:
    assert said({"categories": "a, b"}, (ITEMS, ["b", "A"])) == [{"category": ("A", "b")}]
    assert said({"attributes.color": "Farbe"}, (ITEMS, ["Farbe"])) == [{"attributes.color": ("Farbe",)}]


@pytest.mark.parametrize(
    ("maps", "message"),
    [
        ({"prize": "a"}, "--map prize: there is no field 'prize'; there are item_id, .*; did you mean 'price'?"),
        ({"price": "pries"}, "there is no column 'pries'; there are id, preis; did you mean 'preis'?"),
        ({"events.price": "preis"}, "there is no field 'events.price'"),
    ],
)
def test_maps_that_lead_nowhere_are_refused(maps: dict[str, str], message: str) -> None:
    with pytest.raises(CommandError, match=message) as caught:
        said(maps, (ITEMS, ["id", "preis"]))
    assert caught.value.exit_code == ExitCode.USAGE


def test_policies() -> None:
    policies = policies_of(ITEMS, {"price": "median", "title": "default:a:b", "items.brand": "absent"}, [ITEMS, EVENTS])
    assert policies["item_id"] == LEAVE_OUT
    assert policies["price"] == Policy(Remedy.MEDIAN)
    assert policies["title"] == Policy(Remedy.DEFAULT, "a:b")
    assert policies["brand"] == ABSENT
    assert "price" not in policies_of(EVENTS, {"price": "median"}, [ITEMS, EVENTS])


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ({"price": "mean"}, "no policy 'mean'; there are leave-out, absent, default:VALUE, median, mode"),
        ({"price": "default"}, "no policy 'default'"),
        ({"price": "median:3"}, "no policy 'median:3'"),
        ({"title": "median"}, "only numbers have a median"),
        ({"item_id": "mode"}, "an id cannot be guessed"),
        ({"pirce": "mode"}, "did you mean 'price'"),
    ],
)
def test_policies_that_do_not_fit_are_refused(missing: dict[str, str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        policies_of(ITEMS, missing, [ITEMS])
