import numpy as np

from services.ranker.inputs.attributes import ATTRIBUTE_BUCKETS, ATTRIBUTE_SLOTS, attribute_buckets
from vitrine.common.v1.attribute_pb2 import AttributeValue, TextList


def test_the_buckets_are_the_same_in_every_process_and_release() -> None:
    # These numbers are in every model that was ever trained: they must not change.
    buckets = attribute_buckets({"region": AttributeValue(text="north"), "age_band": AttributeValue(text="25-34")})
    assert buckets[:3].tolist() == [2806, 2360, 0]


def test_what_was_not_said_takes_no_slot() -> None:
    assert not attribute_buckets({"region": AttributeValue(), "income": AttributeValue(number=float("nan"))}).any()


def test_numbers_of_about_one_size_are_one_term() -> None:
    def bucket(number: float) -> int:
        return int(attribute_buckets({"income": AttributeValue(number=number)})[0])

    assert bucket(50_000) == bucket(50_500)
    assert len({bucket(50_000), bucket(200_000), bucket(-50_000), bucket(0)}) == 4


def test_every_kind_of_value_has_terms_within_the_slots() -> None:
    texts = TextList(values=[f"color {number}" for number in range(40)])
    buckets = attribute_buckets({"a": AttributeValue(flag=True), "b": AttributeValue(texts=texts)})
    assert buckets.shape == (ATTRIBUTE_SLOTS,)
    assert np.all((buckets > 0) & (buckets < ATTRIBUTE_BUCKETS))
    assert buckets[0] != attribute_buckets({"a": AttributeValue(flag=False)})[0]
