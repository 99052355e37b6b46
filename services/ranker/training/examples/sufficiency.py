from typing import Final

from services.common.errors import FailedPreconditionError
from services.ranker.training.shop.shop_reader import ShopData

LEAST_USERS: Final = 2
LEAST_ITEMS: Final = 2
LEAST_EXAMPLES: Final = 10

NOT_ENOUGH_DATA: Final = "NOT_ENOUGH_DATA"


def require_shop(shop: ShopData) -> None:
    """Raises FailedPreconditionError if there is too little to train on, saying what is needed."""
    items, users = len(shop.catalog.shown_item_nos()), len(shop.users)
    _require(items >= LEAST_ITEMS, f"the catalog has {items} items that can be shown", f"{LEAST_ITEMS} items")
    _require(len(shop.table) > 0, "the log has no events of items in the catalog", "events")
    _require(users >= LEAST_USERS, f"the log has events of {users} users", f"{LEAST_USERS} users with events")


def require_examples(training: int, validation: int) -> None:
    """Raises FailedPreconditionError if the log has too few visits to train on or to validate with."""
    _require(
        training >= LEAST_EXAMPLES,
        f"the log has {training} visits to train on",
        f"{LEAST_EXAMPLES} visits that follow on earlier ones",
    )
    _require(validation > 0, "nobody visited in the last part of the log", "visits at its end to validate on")


def require_candidates(training: int, validation: int) -> None:
    """Raises FailedPreconditionError if no item existed at the training or validation cuts."""
    _require(
        training > 0 and validation > 0,
        "every item is newer than the visits in the log (by available_from_time or create_time)",
        "items that existed before the last visits",
    )


def _require(condition: bool, found: str, needed: str) -> None:  # reads as a sentence
    if not condition:
        raise FailedPreconditionError(
            f"there is too little to train on: {found}; a model needs at least {needed}. "
            "Import more history (`vitrine import`) and train again; no model was published.",
            reason=NOT_ENOUGH_DATA,
        )
