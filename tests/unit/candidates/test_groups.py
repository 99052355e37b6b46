import numpy as np
import pytest

from services.candidates.job_settings import TasteSettings
from services.candidates.jobs.groups import group_tastes
from services.candidates.jobs.ratings import Ratings, implicit_ratings
from services.candidates.visitor import groups_of
from tests.support.shop_events import events_of
from vitrine.common.v1.attribute_pb2 import AttributeValue, TextList

NORTH, SOUTH = ("region", "north"), ("region", "south")
DIGESTS = {number: number for number in range(10)}


def ratings() -> Ratings:
    """Users 0 to 5 take 1 and 2, users 6 to 11 take 1 and 3, all to the same extent."""
    rows = [(user, item, 0) for user in range(12) for item in (1, 2 if user < 6 else 3)]
    return implicit_ratings(events_of(rows), 90, items_per_user=100)


def test_shares_are_smoothed_towards_all() -> None:
    groups = {user: (NORTH if user < 6 else SOUTH,) for user in range(12)}
    settings = TasteSettings(group_smoothing=6.0)
    tastes = group_tastes(ratings(), groups, settings, DIGESTS)
    assert tastes is not None
    assert tastes.groups == (NORTH, SOUTH)
    owners, positions = tastes.of((NORTH,))
    assert owners.tolist() == [0, 0]
    rating = np.log(6)
    # 6 average users, of 2 ratings each, are added to the 6 of the group.
    expected = {
        1: (6 * rating + 12 * rating * 0.5) / (24 * rating),
        2: (6 * rating + 12 * rating * 0.25) / (24 * rating),
    }
    by_item = dict(zip(tastes.item_nos[tastes.items[positions]].tolist(), tastes.shares[positions], strict=True))
    assert by_item == pytest.approx(expected, abs=1e-6)
    assert tastes.lifts[positions] == pytest.approx([1.0, 1.5], abs=1e-6)
    assert tastes.supports[positions].tolist() == [6, 6]


@pytest.mark.parametrize(("members", "kept"), [(4, False), (5, True)])
def test_a_group_needs_enough_users(members: int, kept: bool) -> None:
    groups = dict.fromkeys(range(members), (NORTH,))
    assert (group_tastes(ratings(), groups, TasteSettings(group_users=5), DIGESTS) is not None) == kept


def test_nobody_is_in_no_group() -> None:
    nothing = implicit_ratings(events_of([]), 90, items_per_user=100)
    assert group_tastes(nothing, {}, TasteSettings(), DIGESTS) is None
    assert group_tastes(ratings(), {}, TasteSettings(), DIGESTS) is None


def test_groups_are_what_the_shop_said_else_what_the_request_says() -> None:
    attributes = {
        "region": AttributeValue(text="north"),
        "age": AttributeValue(number=30),
        "club": AttributeValue(flag=True),
        "pets": AttributeValue(texts=TextList(values=["cat"])),
        "unset": AttributeValue(),
    }
    names = ("region", "age", "club", "pets", "unset", "gender", "missing")
    found = groups_of(attributes, names, {"region": "south", "gender": "f"})
    assert found == (("region", "north"), ("age", "30"), ("club", "yes"), ("gender", "f"))
