import numpy as np

from services.homepage.history import History
from services.homepage.pipeline.candidates import Candidates
from services.homepage.query import Query
from services.homepage.reasons.finder import Found, ReasonFinder
from vitrine.homepage.v1 import reason_pb2


class BuyRegularlyReason(ReasonFinder):
    """The visitor bought this item itself: twice or more, or once where it is due again."""

    def find(self, query: Query, candidates: Candidates) -> list[Found]:
        if not query.personal:
            return []
        purchases = History(query.user).purchases(candidates.item_nos)
        due = candidates.proposed_by("buy_again")
        rows = np.flatnonzero((purchases > 1) | (due & (purchases > 0)))
        kind = reason_pb2.REASON_KIND_YOU_BUY_REGULARLY
        source = "buy_again" if due.any() else ""
        return [Found(rows, kind, times=purchases[rows], source=source)]
