"""What tells a process which users others changed: all of them, or that some are not known any more."""

import threading
from collections.abc import Sequence

import pytest

from services.common.database import Database
from services.features.store.heads import USERS, read_head
from services.features.users import user_changes
from services.features.users.user_changes import KEPT_MILLIS

NOW = 1_700_000_000_000


def change(database: Database, *keys: str, millis: int = NOW) -> int:
    return database.write(lambda c: user_changes.note(c, user_changes.begin(c), keys, millis))


def changed(database: Database, after_version: int) -> list[str] | None:
    return database.read(lambda c: user_changes.read(c, after_version, read_head(c, USERS)))


def test_versions_run_on_and_say_who_changed(database: Database) -> None:
    assert [change(database, "u:a", "u:b"), change(database), change(database, "u:a")] == [2, 2, 3]
    assert [changed(database, version) for version in range(4)] == [["u:a", "u:b", "u:a"], ["u:b", "u:a"], ["u:a"], []]


def test_an_erasure_names_nobody_and_leaves_a_gap_that_is_seen(database: Database) -> None:
    change(database, "u:a", "u:b")
    change(database, "u:c")
    assert database.write(lambda c: user_changes.forget(c, user_changes.begin(c), ["u:b"])) == 4
    change(database, "u:d")
    assert [changed(database, version) for version in range(5)] == [None, None, None, None, ["u:d"]]


@pytest.mark.parametrize("late", [False, True])
def test_who_was_away_for_long_is_told_that_it_knows_nothing(database: Database, *, late: bool) -> None:
    change(database, "u:a")
    change(database, "u:b", millis=NOW + KEPT_MILLIS + late)
    assert changed(database, 0) == (None if late else ["u:a", "u:b"])
    assert changed(database, 1) == ["u:b"]


def test_who_follows_many_writers_misses_nobody(database: Database) -> None:
    """Several change users at once, while somebody looks on and on."""
    names = [[f"u:{writer}/{number}" for number in range(20)] for writer in range(3)]
    failures: list[BaseException] = []

    def work(keys: Sequence[str]) -> None:
        try:
            for key in keys:
                change(database, key)
        except BaseException as error:  # noqa: BLE001  # told below
            failures.append(error)

    threads = [threading.Thread(target=work, args=(keys,)) for keys in names]
    for thread in threads:
        thread.start()
    seen: list[str] = []
    while any(thread.is_alive() for thread in threads):
        seen += changed(database, len(seen)) or []
    for thread in threads:
        thread.join()
    seen += changed(database, len(seen)) or []
    assert failures == []
    assert sorted(seen) == sorted(key for keys in names for key in keys)
