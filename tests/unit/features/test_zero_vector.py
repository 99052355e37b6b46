"""A vector of zeros is refused, but one that stands from before the rule keeps nobody from changing the item."""

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from services.features.catalog.change_plan import ChangePlan
from services.features.catalog.item_row import StoredItem
from services.features.catalog.numbers import GivenNumbers, NumberDraft, Numbers
from services.features.store.versioned_record import VersionedRecord
from vitrine.common.v1.category_pb2 import CategoryPath
from vitrine.features.v1 import catalog_service_pb2 as pb
from vitrine.features.v1.item_pb2 import Item

ZEROS = [0.0, 0.0]


def item(*values: float, price: float = 1.0) -> Item:
    made = Item(item_id="x", title="tea", price=price, category_paths=[CategoryPath(names=["shop"])])
    if values:
        made.vectors["text"].values.extend(values)
    return made


def upserted(standing: Item, sent: Item, *paths: str) -> pb.ItemResult:
    stored = {"x": StoredItem(1, "x", 1, VersionedRecord(standing, 5))}
    plan = ChangePlan(stored, 2, 1, 10, NumberDraft(Numbers(), GivenNumbers()))
    return plan.upsert(0, pb.ItemUpdate(item=sent, update_mask=FieldMask(paths=paths)))


@pytest.mark.parametrize(
    ("standing", "sent", "paths", "status"),
    [
        (ZEROS, [], ["price"], pb.ITEM_STATUS_UPDATED),
        (ZEROS, ZEROS, [], pb.ITEM_STATUS_UPDATED),
        (ZEROS, [1.0, 0.0], ["vectors"], pb.ITEM_STATUS_UPDATED),
        (ZEROS, [0.0, 0.0, 0.0], ["vectors"], pb.ITEM_STATUS_REJECTED),
        ([1.0, 0.0], ZEROS, [], pb.ITEM_STATUS_REJECTED),
        ([], ZEROS, ["vectors.text"], pb.ITEM_STATUS_REJECTED),
    ],
)
def test_only_a_new_one_is_refused(
    standing: list[float], sent: list[float], paths: list[str], status: pb.ItemStatus.ValueType
) -> None:
    result = upserted(item(*standing), item(*sent, price=2.0), *paths)
    assert result.status == status
    assert result.reason == ("VECTOR_ZERO" if status == pb.ITEM_STATUS_REJECTED else "")
