from collections.abc import Sequence

from services.common.errors import invalid_field
from services.features.store.versioned_record import copy_field, is_path
from vitrine.features.v1.item_pb2 import Item

MAPS = frozenset({"attributes", "vectors"})


class ReadMask:
    """Which fields of an item a reader wants; its id always comes along."""

    def __init__(self, paths: Sequence[str]) -> None:
        """Raises InvalidArgumentError where a path names no field."""
        for path in paths:
            if not is_path(Item, path, MAPS):
                raise invalid_field("read_mask", f"names {path!r}, which isn't a field of an item", "FIELD_UNKNOWN")
        self._paths = [path for path in paths if path != "item_id"]
        self._whole = not paths

    @property
    def vectors(self) -> bool:
        """Whether vectors are wanted: only if they are named."""
        return any(path.partition(".")[0] == "vectors" for path in self._paths)

    def apply(self, item: Item) -> Item:
        """Returns the wanted part of an item."""
        if self._whole:
            return item
        part = Item(item_id=item.item_id)
        for path in self._paths:
            copy_field(item, part, path)
        return part
