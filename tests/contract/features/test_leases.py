"""Who may apply and save which partitions."""

import threading
import time
from collections.abc import Mapping
from itertools import chain

import pytest
from sqlalchemy import Connection

from services.common.database import Database
from services.features.materializer.leases import (
    Lease,
    LeaseLostError,
    Share,
    check,
    fence,
    leave,
    read_offsets,
    release,
    renew,
    write_offsets,
)

PARTITIONS = 8
LONG, SHORT = 60_000, 1
NOTHING: Mapping[int, int] = {}


class Worker:
    """Somebody who holds leases."""

    def __init__(self, database: Database, name: str, before: str = "") -> None:
        self._database = database
        self._before = before
        self.name = name
        self.held: dict[int, int] = {}

    def renew(self, millis: int = LONG) -> Share:
        share = self._database.write(
            lambda c: renew(c, self.name, self.held, partitions=PARTITIONS, millis=millis, before=self._before)
        )
        self.held = {no: lease.epoch for no, lease in share.leases.items()}
        return share

    def give_back(self, partitions: list[int]) -> None:
        self._database.write(lambda c: release(c, self.name, partitions))
        for no in partitions:
            del self.held[no]

    def save(self, offsets: Mapping[int, int]) -> None:
        def work(connection: Connection) -> None:
            check(connection, self.name, self.held)
            write_offsets(connection, offsets)

        self._database.write(work)

    def leave(self) -> None:
        self._database.write(lambda c: leave(c, self.name))


def shared(*workers: Worker) -> list[int]:
    return sorted(chain.from_iterable(worker.held for worker in workers))


def test_one_worker_holds_everything_at_once(database: Database) -> None:
    worker = Worker(database, "one")
    assert worker.renew() == Share({no: Lease(1, 0) for no in range(PARTITIONS)}, [])
    assert worker.renew().leases[3] == Lease(1, 0)


@pytest.mark.parametrize("count", [2, 3, 5, 8, 11])
def test_workers_come_to_equal_shares(database: Database, count: int) -> None:
    workers = [Worker(database, str(number)) for number in range(count)]
    for _ in range(3):
        for worker in workers:
            worker.give_back(worker.renew().surplus)
    assert shared(*workers) == list(range(PARTITIONS))
    sizes = [len(worker.held) for worker in workers]
    assert max(sizes) <= -(-PARTITIONS // count)


def test_who_leaves_is_followed_at_once_and_who_is_gone_when_the_time_is_over(database: Database) -> None:
    one, other = Worker(database, "one"), Worker(database, "other")
    one.renew()
    assert not other.renew().leases
    one.leave()
    assert len(other.renew(SHORT).leases) == PARTITIONS
    time.sleep(0.05)
    third = Worker(database, "third")
    assert {lease.epoch for lease in third.renew().leases.values()} == {3}


def test_a_worker_that_was_away_saves_nothing(database: Database) -> None:
    slow, quick = Worker(database, "slow"), Worker(database, "quick")
    slow.renew(SHORT)
    slow.save({0: 5})
    time.sleep(0.05)
    assert quick.renew().leases[0] == Lease(2, 5)
    for attempt in (lambda: slow.save({0: 9}), slow.renew):
        with pytest.raises(LeaseLostError):
            attempt()
    assert database.read(read_offsets)[0] == 5


def test_a_lease_that_ran_out_unseen_is_still_good(database: Database) -> None:
    worker = Worker(database, "one")
    worker.renew(SHORT)
    time.sleep(0.05)
    worker.save({2: 7})
    assert worker.renew().leases[2] == Lease(1, 7)


def test_a_restarted_worker_has_its_leases_back_at_once(database: Database) -> None:
    Worker(database, "host:1/a", before="host:1/").renew()
    again = Worker(database, "host:1/b", before="host:1/")
    assert {lease.epoch for lease in again.renew().leases.values()} == {2}
    assert not Worker(database, "host:11/c", before="host:11/").renew().leases, "another one's are let alone"


def test_a_fence_takes_the_right_to_save_until_the_state_is_read_again(database: Database) -> None:
    worker = Worker(database, "one")
    worker.renew()
    assert database.write(lambda c: fence(c, [1, 3])) == {1: 2, 3: 2}
    with pytest.raises(LeaseLostError):
        worker.save({0: 1})
    with pytest.raises(LeaseLostError):
        worker.renew()
    worker.held = {}  # read again
    assert worker.renew().leases[3] == Lease(2, 0)
    worker.save({0: 1, 3: 1})


def test_a_fence_of_partitions_that_nobody_has_is_none(database: Database) -> None:
    assert database.write(lambda c: fence(c, [])) == {}
    assert database.write(lambda c: fence(c, [1])) == {}


def test_many_who_renew_and_save_at_once_lose_nothing(database: Database) -> None:
    """Each saves what it holds, one event at a time; no two can hold the same partition."""
    saved = dict.fromkeys(range(PARTITIONS), 0)
    failures: list[BaseException] = []

    def work(name: str) -> None:
        worker = Worker(database, name)
        try:
            for _ in range(15):
                share = worker.renew()
                offsets = {no: lease.next_offset + 1 for no, lease in share.leases.items()}
                worker.save(offsets)
                for no in offsets:
                    saved[no] += 1
                worker.give_back(share.surplus)
        except BaseException as error:  # noqa: BLE001  # told below
            failures.append(error)
        worker.leave()

    threads = [threading.Thread(target=work, args=(str(number),)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert database.read(read_offsets) == saved
