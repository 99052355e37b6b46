"""The baskets of all users before a time, as the rankings that learn from everybody need them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Final

import grpc
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from services.common.progress import Progress
from services.common.timestamps import to_millis
from vitrine.events.v1 import event_pb2, event_service_pb2, event_service_pb2_grpc

TIMEOUT_SECONDS: Final = 30.0
BATCH_SIZE: Final = 5_000
_MILLIS_PER_DAY: Final = 86_400_000

Matrix = sparse.csr_array


@dataclass(frozen=True)
class PurchaseHistory:
    """Users are rows, items are columns; only items that were bought have one.

    Args:
        rows: each user's row, by user id.
        item_nos: the number of each column's item, ascending.
        baskets: each user's baskets, the oldest first: columns, each once.
    """

    rows: Mapping[str, int]
    item_nos: NDArray[np.int64]
    baskets: Sequence[Sequence[NDArray[np.int64]]]

    @cached_property
    def bought(self) -> Matrix:
        """1.0 where a user bought an item at least once, (users, items)."""
        counts = self.counts(None)
        return sparse.csr_array((np.ones_like(counts.data), counts.indices, counts.indptr), counts.shape)

    def counts(self, recent: int | None) -> Matrix:
        """In how many of a user's last `recent` baskets (None: of all) each item is, (users, items)."""
        rows, columns = [], []
        for row, baskets in enumerate(self.baskets):
            for basket in baskets[-recent:] if recent else baskets:
                rows.append(np.full(len(basket), row))
                columns.append(basket)
        return self.matrix(rows, columns, [np.ones(len(part)) for part in rows])

    def matrix(
        self,
        rows: Sequence[NDArray[np.int64]],
        columns: Sequence[NDArray[np.int64]],
        values: Sequence[NDArray[np.float64]],
    ) -> Matrix:
        """Sums values by user and item, (users, items)."""
        shape = (len(self.baskets), len(self.item_nos))
        if not rows:
            return sparse.csr_array(shape)
        places = (np.concatenate(rows), np.concatenate(columns))
        return sparse.coo_array((np.concatenate(values), places), shape).tocsr()


@dataclass(frozen=True, slots=True)
class Purchase:
    """One line of an order."""

    user_id: str
    item_no: int
    millis: int
    order_id: str


def gather(purchases: Sequence[Purchase]) -> PurchaseHistory:
    """Makes baskets of purchases: one an order, of those without one a day's; in the order of their first line."""
    item_nos = np.unique(np.array([purchase.item_no for purchase in purchases], np.int64))
    lines: dict[str, dict[tuple[str, int], set[int]]] = defaultdict(lambda: defaultdict(set))
    for purchase in sorted(purchases, key=lambda one: one.millis):
        day = 0 if purchase.order_id else purchase.millis // _MILLIS_PER_DAY
        lines[purchase.user_id][purchase.order_id, day].add(purchase.item_no)
    baskets = [[np.searchsorted(item_nos, sorted(items)) for items in orders.values()] for orders in lines.values()]
    return PurchaseHistory({user_id: row for row, user_id in enumerate(lines)}, item_nos, baskets)


async def read_history(
    events: grpc.aio.Channel, item_no_of: Mapping[str, int], before: datetime, progress: Progress
) -> PurchaseHistory:
    """Reads the log's purchases by signed-in users before a time. Raises grpc.RpcError."""
    stub = event_service_pb2_grpc.EventServiceStub(events)
    status = await stub.GetLogStatus(event_service_pb2.GetLogStatusRequest(), timeout=TIMEOUT_SECONDS)
    end, purchases = to_millis(before), []
    with progress.task("reading purchases", sum(end.offset for end in status.end_offsets)) as task:
        request = event_service_pb2.TailEventsRequest(batch_size=BATCH_SIZE)
        async for response in stub.TailEvents(request):
            for logged in response.events:
                event = logged.event
                if event.type != event_pb2.EVENT_TYPE_PURCHASE or logged.erased or logged.flags:
                    continue
                item_no, millis = item_no_of.get(event.item_id, 0), event.event_time.ToMilliseconds()
                if item_no and event.visitor.user_id and millis < end:
                    purchases.append(Purchase(event.visitor.user_id, item_no, millis, event.order_id))
            task.advance(len(response.events))
    return gather(purchases)
