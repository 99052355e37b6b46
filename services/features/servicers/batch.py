from collections.abc import Sized

from services.common.errors import invalid_field


def check_batch(field: str, batch: Sized, limit: int, *, may_be_empty: bool = False) -> None:
    """Refuses a batch that is empty (EMPTY_BATCH) or too large (BATCH_TOO_LARGE)."""
    size = len(batch)
    if not size and not may_be_empty:
        raise invalid_field(field, f"is empty; send 1 to {limit:,} elements", "EMPTY_BATCH")
    if size > limit:
        raise invalid_field(field, f"has {size:,} elements; send at most {limit:,} at once", "BATCH_TOO_LARGE")
