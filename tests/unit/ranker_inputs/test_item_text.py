from services.ranker.inputs.item_text import item_text
from vitrine.common.v1.attribute_pb2 import AttributeValue, TextList


def test_the_title_stands_before_the_attributes_that_are_words() -> None:
    attributes = {
        "material": AttributeValue(texts=TextList(values=["oak", "steel"])),
        "color": AttributeValue(text="grey"),
        "seats": AttributeValue(number=3),
        "new": AttributeValue(flag=True),
        "unknown": AttributeValue(),
    }
    assert item_text(" Sofa ", attributes) == "Sofa. color: grey, material: oak, steel"
    assert item_text("", attributes) == "color: grey, material: oak, steel"
    assert item_text("  ", {}) == ""
