from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pandas as pd

from cli.errors import CommandError, ExitCode

COLUMNS = ("user_id", "type", "item_id", "event_time", "order_id")


@dataclass(frozen=True, slots=True)
class HeldOutBaskets:
    """What users bought next, which the shop was not told.

    Args:
        baskets: the items of each user's first basket, by user id.
        begin: just before the first of them: pages are asked for as of then.
    """

    baskets: dict[str, frozenset[str]]
    begin: datetime


def read_held_out(file: Path) -> HeldOutBaskets:
    """Reads held-out purchases from Parquet or CSV with the columns `COLUMNS`.

    Raises:
        CommandError: the file cannot be read, lacks a column, or holds no purchase.
    """
    try:
        events = pd.read_parquet(file) if file.suffix == ".parquet" else pd.read_csv(file, dtype=str)
    except (OSError, ValueError) as error:
        raise CommandError(f"{file} cannot be read: {error}", ExitCode.USAGE) from error
    missing = [column for column in COLUMNS if column not in events.columns]
    if missing:
        raise CommandError(
            f"{file} lacks the columns {', '.join(missing)}: it needs {', '.join(COLUMNS)}", ExitCode.USAGE
        )
    events = events[events.type.astype(str).str.lower() == "purchase"].dropna(subset=["user_id", "item_id"])
    if events.empty:
        raise CommandError(
            f"{file} holds no purchase: there is nothing to compare pages with", ExitCode.NOT_ENOUGH_DATA
        )
    times = pd.to_datetime(events.event_time, utc=True, errors="coerce")
    if times.isna().any():
        raise CommandError(
            f"{file}: the event_time {events.event_time[times.isna()].iloc[0]!r} isn't a time; "
            "write times as 2026-05-04T12:00:00Z",
            ExitCode.USAGE,
        )
    # Without an order_id, a user's purchases of one moment are a basket.
    orders = events.order_id.astype(object).where(events.order_id.notna(), times.astype(str))
    events = events.assign(event_time=times, order_id=orders)
    events = events.sort_values(["user_id", "event_time", "order_id"], kind="stable")
    first = events.drop_duplicates("user_id").set_index("user_id").order_id
    events = events[events.order_id == events.user_id.map(first)]
    baskets = {str(user): frozenset(map(str, items)) for user, items in events.groupby("user_id").item_id}
    return HeldOutBaskets(baskets, events.event_time.min().to_pydatetime())
