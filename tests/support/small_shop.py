"""A shop small enough for a test and whole enough for a page: categories with fans, offers, new items, variants."""

import csv
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

CATEGORIES = ("Tea", "Coffee", "Cheese", "Bread", "Dog food", "Flowers", "Wine", "Soap")
ITEMS_PER_CATEGORY = 14
USERS = 48
WEEKS = 12


@dataclass(frozen=True, slots=True)
class SmallShop:
    """The files of the shop, and what tests ask about."""

    items: Path
    users: Path
    events: Path
    user_ids: list[str]


def write_small_shop(folder: Path, now: datetime) -> SmallShop:
    """Writes the shop's files: every user buys some items of two categories each week, up to yesterday."""
    random = Random(7)
    shop = SmallShop(folder / "item_data.csv", folder / "user_data.csv", folder / "events.csv", [])
    with shop.items.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(
            [
                "item_id",
                "group_id",
                "title",
                "category",
                "brand",
                "price",
                "list_price",
                "available_from",
                "minimum_age",
            ]
        )
        for category in CATEGORIES:
            for number in range(ITEMS_PER_CATEGORY):
                price = 2 + number
                rows.writerow(
                    [
                        _item_id(category, number),
                        # The last two of a category are variants of one product.
                        f"{category}-pair" if number >= ITEMS_PER_CATEGORY - 2 else "",
                        f"{category} no. {number}",
                        f"Shop > {category} > {'fine' if number % 2 else 'plain'}",
                        f"Brand {number % 3}",
                        f"{price:.2f}",
                        f"{price * 1.25:.2f}" if number % 4 == 0 else "",
                        (now - timedelta(days=3 if number % 5 == 4 else 400)).isoformat(),
                        18 if category == "Wine" else "",
                    ]
                )
    with shop.users.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["user_id", "age_band", "region"])
        for number in range(USERS):
            shop.user_ids.append(f"user/{number} ☕")
            rows.writerow([shop.user_ids[-1], ("18-24", "25-34", "65+")[number % 3], ("north", "south")[number % 2]])
    with shop.events.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["user_id", "event_type", "item_id", "timestamp", "quantity", "price", "order_id"])
        for number, user_id in enumerate(shop.user_ids):
            liked = (CATEGORIES[number % 8], CATEGORIES[(number * 3 + 1) % 8])
            for week in range(WEEKS):
                moment = now - timedelta(days=1 + 7 * (WEEKS - 1 - week), minutes=number)
                basket = {(random.choice(liked), min(int(random.expovariate(0.4)), 13)) for _ in range(5)}
                for category, item in sorted(basket):
                    order = f"order-{number}-{week}"
                    item_id = _item_id(category, item)
                    rows.writerow([user_id, "purchase", item_id, moment.isoformat(), 1, f"{2 + item:.2f}", order])
    return shop


def _item_id(category: str, number: int) -> str:
    return f"{category}/{number}"
