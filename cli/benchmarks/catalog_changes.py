from collections.abc import Sequence

from vitrine.features.v1.catalog_service_pb2 import CatalogChange
from vitrine.features.v1.item_pb2 import Item


def catalog_changes(items: Sequence[Item]) -> list[CatalogChange]:
    """Returns the items as a catalog tells of them: numbers from 1 on, as those of brands and category nodes are."""
    category_nos: dict[tuple[str, ...], int] = {}
    brand_nos: dict[str, int] = {}
    changes = []
    for item_no, item in enumerate(items, start=1):
        change = CatalogChange(version=item_no, item_no=item_no, item_id=item.item_id, group_no=item_no, item=item)
        if item.brand:
            change.brand_no = brand_nos.setdefault(item.brand, len(brand_nos) + 1)
        for path in item.category_paths[:1]:
            prefixes = (tuple(path.names[:depth]) for depth in range(1, len(path.names) + 1))
            change.category_nos.extend(category_nos.setdefault(prefix, len(category_nos) + 1) for prefix in prefixes)
        changes.append(change)
    return changes
