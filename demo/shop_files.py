from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pandas as pd

from demo import complete_journey
from demo.complete_journey import package_version, read_shop
from demo.stages import Stages, fingerprint_of

STAGE = "shop files"
FRESH_DAYS = 14


@dataclass(frozen=True, slots=True)
class ShopFiles:
    """The demo shop as files, as a shop would bring them to `vitrine import`.

    Args:
        folder: where they are.
        fingerprint: of what they were made from.
    """

    folder: Path
    fingerprint: str

    @property
    def items(self) -> Path:
        """Every product."""
        return self.folder / "items.parquet"

    @property
    def users(self) -> Path:
        """Every described household."""
        return self.folder / "users.parquet"

    @property
    def events(self) -> Path:
        """What they bought."""
        return self.folder / "events.parquet"

    @property
    def held_out(self) -> Path:
        """What they bought next, which the shop is not told."""
        return self.folder / "held_out.parquet"

    def a_user(self) -> str:
        """The id of some user."""
        return str(pd.read_parquet(self.users, columns=["user_id"]).user_id.iloc[0])


def prepared_shop(folder: Path, stages: Stages, now: datetime) -> ShopFiles:
    """The demo shop's files, made where they are not there yet, were made by another version, or are so old that the
    shop's last sale is long ago.

    Args:
        folder: where they are to be.
        stages: what was done before.
        now: the time of this run.
    """
    source = Path(complete_journey.__file__)
    made_from = fingerprint_of(package_version(), files=[source])
    files = ShopFiles(folder, made_from)
    complete = all(file.exists() for file in (files.items, files.users, files.events, files.held_out))
    if complete and stages.done(STAGE, made_from):
        held_out_from = pd.read_parquet(files.held_out, columns=["event_time"]).event_time.min()
        if pd.Timestamp(now) - held_out_from <= pd.Timedelta(days=FRESH_DAYS):
            return _dated(files, held_out_from)
    shop = read_shop(pd.Timestamp(now))
    folder.mkdir(parents=True, exist_ok=True)
    for table, file in (
        (shop.items, files.items),
        (shop.users, files.users),
        (shop.events, files.events),
        (shop.held_out, files.held_out),
    ):
        table.to_parquet(file, index=False)
    stages.mark(STAGE, made_from)
    return _dated(files, shop.held_out.event_time.min())


def _dated(files: ShopFiles, held_out_from: pd.Timestamp) -> ShopFiles:
    # The same data at another date is another shop to import.
    return ShopFiles(files.folder, fingerprint_of(files.fingerprint, held_out_from.isoformat()))
