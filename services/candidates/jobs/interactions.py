import zlib
from array import array
from collections.abc import Mapping
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from services.candidates.jobs.events import Events
from services.common import event_types
from services.common.strengths import STRENGTHS
from services.common.visitors import anonymous_key, keyed_digest, user_key
from vitrine.events.v1.event_service_pb2 import LoggedEvent

Number = TypeVar("Number", bound=np.generic)

_COLUMNS: Final[dict[str, type[np.generic]]] = {
    "users": np.uint32,
    "items": np.uint32,
    "strengths": np.float32,
    "millis": np.int64,
    "orders": np.uint32,
    "bought": np.bool_,
}


class Interactions:
    """Collects from the log how strongly users interacted with items. The order of the events does not matter.

    `strengths` says what an event of each type is worth; a watch counts by the fraction watched. Users are known by a
    digest of their key with `secret`, so that what is saved between two runs names nobody.
    """

    def __init__(
        self, item_nos: Mapping[str, int], strengths: Mapping[int, float] = STRENGTHS, secret: bytes = b""
    ) -> None:
        self._item_nos = item_nos
        self._strength_of = strengths
        self._secret = secret
        self._user_nos: dict[int, int] = {}
        self._new_keys: dict[int, str] = {}
        self._users = array("I")
        self._items = array("I")
        self._strengths = array("f")
        self._millis = array("q")
        self._orders = array("I")
        self._bought = array("B")
        self._disliked: set[tuple[int, int]] = set()

    def __len__(self) -> int:
        return len(self._items)

    def take_new_users(self) -> dict[int, str]:
        """Returns the keys of the visitors who came since the last time, by user number."""
        new, self._new_keys = self._new_keys, {}
        return new

    def add(self, logged: LoggedEvent) -> None:
        """Takes an event that says something for an item of the catalog; passes over all others, and robots'."""
        event = logged.event
        if logged.erased or logged.flags:
            return
        strength = self._strength_of.get(event.type, 0.0)
        if not strength and event.type != event_types.DISLIKE:
            return
        item_no = self._item_nos.get(event.item_id)
        if item_no is None:
            return
        visitor = event.visitor
        key = user_key(visitor.user_id) if visitor.user_id else anonymous_key(visitor.anonymous_id)
        user_no = self._user_no(key)
        if event.type == event_types.DISLIKE:
            self._disliked.add((user_no, item_no))
            return
        if event.type == event_types.WATCH and event.HasField("watched_fraction"):
            strength *= event.watched_fraction
        bought = event.type == event_types.PURCHASE
        order_no = 0
        if bought and event.order_id:
            # Orders are only told apart among one user's: a checksum does.
            order_no = 1 + zlib.crc32(event.order_id.encode()) % 0xFFFFFFFF
        self._users.append(user_no)
        self._items.append(item_no)
        self._strengths.append(strength)
        self._millis.append(event.event_time.seconds * 1000 + event.event_time.nanos // 1_000_000)
        self._orders.append(order_no)
        self._bought.append(bought)

    def _user_no(self, key: str) -> int:
        digest = keyed_digest(key, self._secret)
        user_no = self._user_nos.get(digest)
        if user_no is None:
            user_no = self._user_nos[digest] = len(self._user_nos)
            self._new_keys[user_no] = key
        return user_no

    def events(self) -> Events:
        """Returns the events in columns, without those of items that their user does not want.

        They are not copied where all are wanted: while they are in use, nothing can be added.
        """
        events = Events(
            users=_numbers(self._users, np.uint32),
            items=_numbers(self._items, np.uint32),
            strengths=_numbers(self._strengths, np.float32),
            millis=_numbers(self._millis, np.int64),
            orders=_numbers(self._orders, np.uint32),
            bought=_numbers(self._bought, np.bool_),
        )
        if not self._disliked:
            return events
        disliked = np.array([user << 32 | item for user, item in self._disliked], np.int64)
        return events.where(~np.isin(events.users.astype(np.int64) << 32 | events.items, disliked))

    def items_since(self, count: int) -> NDArray[np.uint32]:
        """Returns the distinct items of the events behind the first `count`, ascending."""
        return np.unique(_numbers(self._items[count:], np.uint32))

    def save(self, folder: Path) -> None:
        """Writes one .npy file per column. No id is in them."""
        for name, dtype in _COLUMNS.items():
            np.save(folder / f"{name}.npy", _numbers(getattr(self, f"_{name}"), dtype))
        np.save(folder / "user_digests.npy", np.array(list(self._user_nos), np.uint64))
        np.save(folder / "disliked.npy", np.array(sorted(self._disliked), np.uint32).reshape(-1, 2))

    def restore(self, folder: Path) -> None:
        """Takes over what was saved, in the place of what is here."""
        for name, dtype in _COLUMNS.items():
            column = array(getattr(self, f"_{name}").typecode)
            column.frombytes(np.load(folder / f"{name}.npy").astype(dtype).tobytes())
            setattr(self, f"_{name}", column)
        digests = np.load(folder / "user_digests.npy").tolist()
        self._user_nos = {digest: user_no for user_no, digest in enumerate(digests)}
        self._disliked = {(user, item) for user, item in np.load(folder / "disliked.npy").tolist()}


def _numbers(values: "array[int] | array[float]", dtype: type[Number]) -> NDArray[Number]:
    return np.frombuffer(values, dtype) if len(values) else np.zeros(0, dtype)
