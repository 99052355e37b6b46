"""A process that writes the events 0, 1, … in groups and an order of its own, and prints how many were new to it."""

import random
import sys

from services.common.database import Database, create_engine
from services.events.storage.log_writer import LogWriter
from services.events.storage.operations import AppendEvents, AppendOutcome
from tests.contract.events.rows import PARTITIONS, event


def main(url: str, seed: int, rounds: int, size: int) -> None:
    random.seed(seed)
    database = Database(create_engine(url))
    writer = LogWriter(database)
    numbers = random.sample(range(rounds * size), rounds * size)
    new = 0
    for start in range(0, len(numbers), size):
        batch = [event(str(each), each % PARTITIONS) for each in numbers[start : start + size]]
        for result in writer.apply([AppendEvents(batch[: size // 2]), AppendEvents(batch[size // 2 :])]):
            new += result.count(AppendOutcome.STORED)
    database.dispose()
    print(new)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
