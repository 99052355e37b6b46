import json
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from google.protobuf.json_format import MessageToDict

from services.common.timestamps import to_millis
from services.features.catalog.catalog import Catalog
from services.features.materializer.ledger import Ledger
from services.features.materializer.user_states import join_states
from services.features.users.users import Users


class UserExport:
    """All that the feature store holds of a user, as JSON Lines."""

    def __init__(self, users: Users, ledger: Ledger, catalog: Catalog) -> None:
        self._users = users
        self._ledger = ledger
        self._catalog = catalog

    async def lines(self, key: str, now: datetime) -> AsyncIterator[bytes]:
        """Yields one line for the shop's record and merges, one for the state; none if nothing is known."""
        known = (await self._users.find([key])).get(key)
        merged = [alias.removeprefix("a:") for alias in self._users.members_of(key)[1:]]
        if known is not None or merged:
            user = MessageToDict(known.message, preserving_proto_field_name=True) if known is not None else None
            yield _line({"kind": "user", "key": key, "user": user, "merged_anonymous_ids": merged})
        states = await self._ledger.states.find_all(self._users.members_of(key))
        state = join_states(list(states.values()))
        if state is not None:
            await self._catalog.follow()  # another process may have numbered an item just now
            features = state.features(to_millis(now), self._catalog.item_columns())
            numbers = {*features.recent.item_nos, *features.counters.item_nos, *features.impressions.item_nos} - {0}
            yield _line(
                {
                    "kind": "user_state",
                    "features": MessageToDict(features, preserving_proto_field_name=True),
                    "item_ids": {str(item_no): self._catalog.item_id(item_no) for item_no in sorted(numbers)},
                }
            )


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"
