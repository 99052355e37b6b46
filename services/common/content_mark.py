import struct
import zlib
from collections.abc import Callable
from functools import lru_cache

from vitrine.features.v1.catalog_service_pb2 import CatalogChange


def content_mark(change: CatalogChange) -> int:
    """Returns a checksum, 1 to 2^32 - 1, of what the catalog says that the behavior model makes item vectors of:
    categories, brand, price, title and attributes. While it stays the same, a vector stays true. Vectors of the shop
    are not in it: they count from the next training on.
    """
    path, item = change.category_nos, change.item
    price = item.price if item.HasField("price") else -1.0
    mark = zlib.crc32(_packer(len(path))(*path, change.brand_no, price))
    mark = zlib.crc32(item.title.encode(), mark)
    for name in sorted(item.attributes):
        mark = zlib.crc32(item.attributes[name].SerializeToString(deterministic=True), zlib.crc32(name.encode(), mark))
    return mark or 1


@lru_cache
def _packer(levels: int) -> Callable[..., bytes]:
    return struct.Struct(f"<{levels + 1}Id").pack
