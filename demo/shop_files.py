from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import pandas as pd

from demo import complete_journey
from demo.complete_journey import package_version, read_shop
from demo.stages import Stages, fingerprint_of

STAGE = "shop files"
FRESH_DAYS = 7
"""What is held out begins at most a week before the shop is made; a shop is used no longer than a week."""


@dataclass(frozen=True, slots=True)
class ShopFiles:
    """The demo shop as files, as a shop would bring them to `vitrine import`.

    Args:
        folder: where they are.
        fingerprint: of what they are made from.
        made_from: the same as it's kept: the version and the day.
    """

    folder: Path
    fingerprint: str
    made_from: str

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
        """What they bought next, which the shop doesn't know."""
        return self.folder / "held_out.parquet"

    def a_user(self) -> str:
        """The id of some user."""
        return str(pd.read_parquet(self.users, columns=["user_id"]).user_id.iloc[0])


def planned_shop(folder: Path, stages: Stages, now: datetime) -> ShopFiles:
    """The demo shop's files, whether they are there already or not: those of an earlier run if they were made by this
    version and lately, else new ones. A shop made on another day is another shop to import.

    Args:
        folder: where they are to be.
        stages: what was done before.
        now: the time of this run.
    """
    made_from = fingerprint_of(package_version(), files=[Path(complete_journey.__file__)])
    version, _, day = stages.fingerprint(STAGE).partition(" ")
    if version != made_from or not day or (now.date() - date.fromisoformat(day)).days > FRESH_DAYS:
        day = now.date().isoformat()
    return ShopFiles(folder, fingerprint_of(made_from, day), f"{made_from} {day}")


def prepare_shop(files: ShopFiles, stages: Stages, now: datetime) -> None:
    """Makes the files of `planned_shop`, unless they are there.

    Args:
        files: the plan.
        stages: what was done before.
        now: the time of this run.
    """
    paths = (files.items, files.users, files.events, files.held_out)
    if all(path.exists() for path in paths) and stages.done(STAGE, files.made_from):
        return
    shop = read_shop(pd.Timestamp(now))
    files.folder.mkdir(parents=True, exist_ok=True)
    for table, path in zip((shop.items, shop.users, shop.events, shop.held_out), paths, strict=True):
        table.to_parquet(path, index=False)
    stages.mark(STAGE, files.made_from)


def prepared_shop(folder: Path, stages: Stages, now: datetime) -> ShopFiles:
    """The demo shop's files, made if they are not there; arguments as of `planned_shop`."""
    files = planned_shop(folder, stages, now)
    prepare_shop(files, stages, now)
    return files
