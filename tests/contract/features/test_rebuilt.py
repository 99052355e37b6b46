import threading

from services.common.database import Database
from services.features.materializer import rebuilt


def test_of_rebuilds_that_begin_at_once_one_goes_on(database: Database) -> None:
    failures: list[BaseException] = []
    together = threading.Barrier(4)

    def begin(first: int) -> None:
        try:
            together.wait()
            database.write(lambda connection: rebuilt.begin(connection, dict.fromkeys(range(8), first)))
        except BaseException as error:  # noqa: BLE001  # told below
            failures.append(error)

    threads = [threading.Thread(target=begin, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    kept = database.read(rebuilt.read_kept)
    assert kept in [dict.fromkeys(range(8), first) for first in range(4)]
