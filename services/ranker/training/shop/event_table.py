from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.common import event_types
from services.common.visitors import visitor_key
from services.features.definitions.observation import Observation, observe
from services.ranker.inputs.exposures import NOT_SHOWN, exposure_at
from vitrine.events.v1.event_service_pb2 import LoggedEvent


@dataclass(frozen=True, slots=True)
class EventTable:
    """The log in order of time, not of writing. Element i of each column is event i."""

    visitors: Sequence[str]
    """Visitor keys; a user's number is the place here."""

    observations: Sequence[Observation]
    users: NDArray[np.int64]
    item_nos: NDArray[np.int64]
    types: NDArray[np.int64]
    millis: NDArray[np.int64]
    exposures: NDArray[np.int64]
    """Of impressions how the item was shown, of all other events NOT_SHOWN (services/ranker/inputs/exposures.py)."""

    def __len__(self) -> int:
        return len(self.observations)

    def part(self, chosen: NDArray[np.bool_]) -> "EventTable":
        """Returns the chosen events, in their order."""
        return EventTable(
            visitors=self.visitors,
            observations=[self.observations[place] for place in np.flatnonzero(chosen).tolist()],
            users=self.users[chosen],
            item_nos=self.item_nos[chosen],
            types=self.types[chosen],
            millis=self.millis[chosen],
            exposures=self.exposures[chosen],
        )


class EventTableBuilder:
    """Gathers logged events. Erased ones and those flagged as a robot's are left out; so are items of no catalog."""

    def __init__(self, item_no_of: Mapping[str, int]) -> None:
        self._item_no_of = item_no_of
        self._user_of: dict[str, int] = {}
        self._users: list[int] = []
        self._exposures: list[int] = []
        self._observations: list[Observation] = []

    def add(self, logged: LoggedEvent) -> None:
        """Takes one event."""
        if logged.erased or logged.flags:
            return
        event = logged.event
        item_no = self._item_no_of.get(event.item_id, 0) if event.HasField("item_id") else 0
        if event.HasField("item_id") and not item_no:
            return
        position = logged.attribution.position if logged.HasField("attribution") else None
        self.add_observation(visitor_key(event.visitor), observe(event, item_no), position)

    def add_observation(self, visitor: str, observation: Observation, position: int | None = None) -> None:
        """Takes one event of the visitor with that key; `position` is the card's place on its shelf, where known."""
        shown = observation.type == event_types.IMPRESSION
        self._exposures.append(exposure_at(position) if shown else NOT_SHOWN)
        self._users.append(self._user_of.setdefault(visitor, len(self._user_of)))
        self._observations.append(observation)

    def build(self) -> EventTable:
        """Returns the table."""
        millis = np.array([o.event_millis for o in self._observations], np.int64)
        order = np.argsort(millis, kind="stable")
        observations = [self._observations[i] for i in order.tolist()]
        return EventTable(
            visitors=list(self._user_of),
            observations=observations,
            users=np.array(self._users, np.int64)[order],
            item_nos=np.array([o.item_no for o in observations], np.int64),
            types=np.array([o.type for o in observations], np.int64),
            millis=millis[order],
            exposures=np.array(self._exposures, np.int64)[order],
        )
