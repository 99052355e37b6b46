import asyncio
import threading
from pathlib import Path

from sqlalchemy import Connection

from services.common.database import Database, create_engine
from services.features.store.store import Store
from tests.support.migrated_stores import lay_features_store


async def test_the_event_loop_goes_on_while_a_store_closes(tmp_path: Path) -> None:
    url = lay_features_store(f"sqlite:///{tmp_path / 'features.db'}")
    store = Store(Database(create_engine(url)), read_threads=1)
    begun, go_on = threading.Event(), threading.Event()

    def work(_connection: Connection) -> str:
        begun.set()
        assert go_on.wait(30.0)
        return "done"

    writing = asyncio.create_task(store.write(work))
    await asyncio.to_thread(begun.wait)
    closing = asyncio.create_task(store.close())
    await asyncio.sleep(0)
    go_on.set()  # only a loop that isn't blocked by the closing comes here
    assert await writing == "done"
    await closing
