"""Which searches that are cut short count against Elasticsearch."""

import asyncio
from typing import Any

import pytest

from services.candidates.elastic.cluster import Cluster
from services.common.deadlines import answer_due


class HangingClient:
    """Never answers."""

    def options(self, **_: Any) -> "HangingClient":
        return self

    async def search(self) -> None:
        await asyncio.Event().wait()


async def give_up_repeatedly(cluster: Cluster, due_in: float) -> None:
    """Cancels five searches, each due in so many seconds."""
    answer_due.set(asyncio.get_running_loop().time() + due_in)
    for _ in range(5):
        task = asyncio.create_task(cluster.ask(lambda client: client.search()))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize(("due_in", "resting"), [(10.0, False), (0.0, True)])
async def test_only_overdue_searches_count_as_failures(due_in: float, resting: bool) -> None:
    cluster = Cluster(HangingClient(), 1.0)  # type: ignore[arg-type]  # it has what is used
    await give_up_repeatedly(cluster, due_in)
    assert bool(cluster.fault) == resting
