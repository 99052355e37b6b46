import pytest

from services.candidates.search.facets import without_own_facet
from vitrine.common.v1.item_filter_pb2 import ItemFilter


def chosen() -> ItemFilter:
    wanted = ItemFilter(brands=["Hill"], kinds=["PRODUCT"], creators=["c"], minimum_price=1.0)
    wanted.categories.add(names=["kitchen"])
    for name in ("color", "size"):
        wanted.attributes.add(name=name).any_of.add(text="x")
    return wanted


@pytest.mark.parametrize(("facet", "field"), [("brand", "brands"), ("kind", "kinds"), ("creator", "creators")])
def test_a_choice_is_left_out_of_its_own_facet_alone(facet: str, field: str) -> None:
    expected = chosen()
    expected.ClearField(field)  # type: ignore[arg-type]  # one of three
    assert without_own_facet(facet, chosen()) == expected


def test_an_attribute_leaves_the_others() -> None:
    rest = without_own_facet("attribute:color", chosen())
    assert rest is not None
    assert [one.name for one in rest.attributes] == ["size"]
    assert rest.brands == ["Hill"]


@pytest.mark.parametrize(
    ("facet", "wanted"), [("brand", ItemFilter()), ("attribute:none", chosen()), ("category", chosen())]
)
def test_where_nothing_was_chosen_nothing_is_wider(facet: str, wanted: ItemFilter) -> None:
    assert without_own_facet(facet, wanted) is None
