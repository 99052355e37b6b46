from collections.abc import Sized

from services.common.errors import FieldViolation, InvalidArgumentError


def check_batch(field: str, batch: Sized, limit: int, *, may_be_empty: bool = False) -> None:
    """Refuses a batch that is empty (EMPTY_BATCH) or too large (BATCH_TOO_LARGE)."""
    size = len(batch)
    if not size and not may_be_empty:
        raise _refusal(field, f"is empty; send 1 to {limit:,} elements", "EMPTY_BATCH")
    if size > limit:
        raise _refusal(field, f"has {size:,} elements; send at most {limit:,} at once", "BATCH_TOO_LARGE")


def page_size_of(field: str, asked: int, default: int, limit: int) -> int:
    """Returns how many are wanted: `default` for 0, at most `limit`; below 0 is refused."""
    if asked < 0:
        raise _refusal(field, f"is {asked}; send 1 to {limit:,}, or 0 for {default:,}", "PAGE_SIZE_NEGATIVE")
    return min(asked or default, limit)


def _refusal(field: str, description: str, reason: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"{field} {description}", reason=reason, violations=[FieldViolation(field, description, reason)]
    )
