from collections.abc import Iterator

from google.protobuf.field_mask_pb2 import FieldMask

from cli.importer.attributes import AttributeMessages
from cli.importer.columns import ATTRIBUTE
from cli.importer.newest_kept import NewestKept
from cli.importer.rows import Rows
from services.common.timestamps import millis_to_timestamp
from vitrine.common.v1 import category_pb2
from vitrine.features.v1 import catalog_service_pb2, item_pb2

TIMES = ("available_from_time", "available_until_time", "update_time")
CATEGORY = "category"
CATEGORY_PATHS = "category_paths"


class ItemRows:
    """Makes updates of the catalog of rows.

    Args:
        partial: change only the fields that there are columns for.
    """

    def __init__(self, *, partial: bool) -> None:
        self._partial = partial
        self._newest = NewestKept()
        self._attributes = AttributeMessages()
        self._paths: dict[tuple[tuple[str, ...], ...], list[category_pb2.CategoryPath]] = {}

    def drop_duplicates(self, rows: Rows) -> int:
        """Leaves all but the newest row of each item out; returns how many."""
        return self._newest.drop_older(rows.column("item_id"), rows)

    def messages(self, rows: Rows) -> Iterator[tuple[int, catalog_service_pb2.ItemUpdate]]:
        """The updates with the lines that they come from."""
        mask = self._mask(rows)
        plain = [name for name in rows.fields if name not in {*TIMES, CATEGORY}]
        timed = [name for name in rows.fields if name in TIMES]
        for row, values in rows.together(CATEGORY, *plain, *timed):
            begin_of_times = 1 + len(plain)
            item = item_pb2.Item(
                category_paths=self._category_paths(values[0]),
                **dict(zip(plain, values[1:begin_of_times], strict=True)),
            )
            for name, millis in zip(timed, values[begin_of_times:], strict=True):
                if millis is not None:
                    getattr(item, name).CopyFrom(millis_to_timestamp(millis))
            for name, value in rows.attributes_of(row).items():
                item.attributes[name].CopyFrom(self._attributes.of(value))
            yield rows.lines[row], catalog_service_pb2.ItemUpdate(item=item, update_mask=mask)

    def _category_paths(self, paths: tuple[tuple[str, ...], ...] | None) -> list[category_pb2.CategoryPath]:
        if not paths:
            return []
        if paths not in self._paths:
            self._paths[paths] = [category_pb2.CategoryPath(names=names) for names in paths]
        return self._paths[paths]

    def _mask(self, rows: Rows) -> FieldMask | None:
        if not self._partial:
            return None
        fields = (CATEGORY_PATHS if name == CATEGORY else name for name in rows.fields)
        paths = [name for name in fields if name not in {"item_id", "update_time"}]
        return FieldMask(paths=paths + [ATTRIBUTE + name for name in rows.attributes])
